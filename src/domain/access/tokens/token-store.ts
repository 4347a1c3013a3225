import type { Role } from '#domain/access/caller.ts'
import { type Seen, seenColumns } from '#platform/database/snapshot.ts'
import type { Sql } from '#platform/database/sql.ts'
import { isSuspended } from '#platform/database/suspended.ts'
import type { Actor } from '#platform/journal/entry.ts'
import { type TokenRights, warnedDays } from './token.ts'

export interface TokenRow extends TokenRights {
  readonly accountId: string
  readonly id: string
  readonly name: string
  /** The first token of its line of rotations: its own id unless it is a successor. */
  readonly lineageId: string
  readonly role: Role
  readonly expiresAt: Date
  readonly revokedAt: Date | null
  /** The token that replaced it when it was rotated. */
  readonly successorId: string | null
  /** Of a personal token: the address of its person, unless they were removed. */
  readonly ownerEmail: string | null
}

const ownerOf = (column: string) => `
  CASE WHEN owner_id IS NOT NULL THEN (
    SELECT ${column} FROM users AS owner
    WHERE owner.account_id = application_token.account_id AND owner.id = owner_id AND owner.removed_at IS NULL) END`
const columns = `account_id AS "accountId", id, name, coalesce(lineage_id, id) AS "lineageId", role, scopes,
  expires_at AS "expiresAt", revoked_at AS "revokedAt", successor_id AS "successorId", owner_id AS "ownerId",
  ${ownerOf('owner.role')} AS "ownerRole", ${ownerOf('owner.email')} AS "ownerEmail"`

const findTokenSql = `
  SELECT ${columns}, ${seenColumns}, ${isSuspended('application_token.account_id')} AS "isSuspended"
  FROM application_token WHERE hash = $1`

export interface FoundToken extends TokenRow, Seen {
  /** Whether its account is suspended. */
  readonly isSuspended: boolean
}

/** The application token with this hash, also one that was revoked, with the snapshot of the read. */
export async function findToken(sql: Sql, hash: Uint8Array): Promise<FoundToken | undefined> {
  const [row] = await sql.query<FoundToken>(findTokenSql, [hash])
  return row
}

const findTokenByIdSql = `
  SELECT ${columns}, ${seenColumns}, ${isSuspended('application_token.account_id')} AS "isSuspended"
  FROM application_token WHERE account_id = $1 AND id = $2`

/** As {@link findToken}, by account and id. */
export async function findTokenById(sql: Sql, accountId: string, id: string): Promise<FoundToken | undefined> {
  const [row] = await sql.query<FoundToken>(findTokenByIdSql, [accountId, id])
  return row
}

const lockTokenSql = `SELECT ${columns} FROM application_token WHERE account_id = $1 AND id = $2 FOR UPDATE`

/** Reads a token of the account, and keeps others from changing it until the transaction ends. */
export async function lockToken(sql: Sql, accountId: string, id: string): Promise<TokenRow | undefined> {
  const [row] = await sql.query<TokenRow>(lockTokenSql, [accountId, id])
  return row
}

const lockTokenByHashSql = `SELECT ${columns} FROM application_token WHERE account_id = $1 AND hash = $2 FOR UPDATE`

/** As {@link lockToken}, by the hash of the token itself. */
export async function lockTokenByHash(sql: Sql, accountId: string, hash: Uint8Array): Promise<TokenRow | undefined> {
  const [row] = await sql.query<TokenRow>(lockTokenByHashSql, [accountId, hash])
  return row
}

const lockOwnerTokensSql = `
  SELECT ${columns} FROM application_token WHERE account_id = $1 AND role = 'OWNER' AND revoked_at IS NULL FOR UPDATE`

/** The tokens of the account's owner that were not revoked; keeps others from changing them. */
export function lockOwnerTokens(sql: Sql, accountId: string): Promise<TokenRow[]> {
  return sql.query<TokenRow>(lockOwnerTokensSql, [accountId])
}

export interface NewToken {
  readonly accountId: string
  readonly id: string
  readonly name: string
  readonly hash: Uint8Array
  readonly role: Role
  readonly scopes: readonly string[]
  readonly expiresAt: Date
  readonly createdBy: Actor
  /** Of a successor: the first token of its line. */
  readonly lineageId?: string | undefined
  /** Of a personal token: whose it is. */
  readonly ownerId?: string | undefined
}

const insertTokenSql = `
  INSERT INTO application_token (account_id, id, name, hash, role, scopes, expires_at, created_by, lineage_id, owner_id)
  VALUES ($1, $2, $3, $4, $5::role, $6, $7, $8, $9, $10)`

export async function insertToken(sql: Sql, token: NewToken): Promise<void> {
  const { accountId, id, name, hash, role, scopes, expiresAt, createdBy, lineageId = null, ownerId = null } = token
  const by = JSON.stringify(createdBy)
  await sql.query(insertTokenSql, [accountId, id, name, hash, role, scopes, expiresAt, by, lineageId, ownerId])
}

/** A token that was ended together with others. */
export interface EndedToken {
  readonly accountId: string
  readonly id: string
  readonly name: string
}

const endAllSql = `
  UPDATE application_token SET revoked_at = now(), ended_by = $3, end_reason = $4
  WHERE (account_id, id) IN (
    SELECT account_id, id FROM application_token
    WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > now() AND `
const endedColumns = `ORDER BY id FOR UPDATE) RETURNING account_id AS "accountId", id, name`

interface TokensEnd {
  readonly accountId: string
  readonly by: Actor
  readonly reason: string
}

/** Revokes the tokens of a line of rotations that are valid; returns which. */
export function endLineage(sql: Sql, lineageId: string, { accountId, by, reason }: TokensEnd): Promise<EndedToken[]> {
  const values = [accountId, lineageId, JSON.stringify(by), reason]
  return sql.query(`${endAllSql} $2::uuid IN (id, lineage_id) ${endedColumns}`, values)
}

/** Revokes the personal tokens of somebody that are valid; returns which. */
export function endTokensOf(sql: Sql, ownerId: string, { accountId, by, reason }: TokensEnd): Promise<EndedToken[]> {
  const values = [accountId, ownerId, JSON.stringify(by), reason]
  return sql.query(`${endAllSql} owner_id = $2 ${endedColumns}`, values)
}

const countSql = `
  SELECT count(*)::int AS count FROM application_token
  WHERE account_id = $1 AND owner_id = $2 AND revoked_at IS NULL AND expires_at > now() AND successor_id IS NULL`

/** How many personal tokens somebody has that are valid; one that was rotated counts as its successor alone. */
export async function countTokensOf(sql: Sql, accountId: string, ownerId: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>(countSql, [accountId, ownerId])
  return row?.count ?? 0
}

const endTokenSql = `
  UPDATE application_token SET revoked_at = $3, expires_at = coalesce($4, expires_at), ended_by = $5, end_reason = $6,
    successor_id = $7
  WHERE account_id = $1 AND id = $2`

/** The end of a token: at once, or at an earlier time than planned. */
export interface TokenEnd {
  readonly revokedAt?: Date
  readonly expiresAt?: Date
  readonly by: Actor
  readonly reason?: string | undefined
  readonly successorId?: string
}

export async function endToken(sql: Sql, token: { accountId: string; id: string }, end: TokenEnd): Promise<void> {
  const { revokedAt = null, expiresAt = null, by, reason = null, successorId = null } = end
  const values = [token.accountId, token.id, revokedAt, expiresAt, JSON.stringify(by), reason, successorId]
  await sql.query(endTokenSql, values)
}

/** The most days that a token of the account may last; undefined where its policy says nothing. */
export async function findTokenPolicy(sql: Sql, accountId: string): Promise<number | undefined> {
  const [row] = await sql.query<{ days: number | null }>(
    'SELECT longest_token_days AS days FROM account WHERE id = $1',
    [accountId],
  )
  return row?.days ?? undefined
}

/** The use of a token since it was last stored. */
export interface TokenUse {
  readonly accountId: string
  readonly id: string
  readonly calls: number
  readonly at: Date
  readonly address: string
  readonly userAgent: string | undefined
}

const knownAddresses = 20

const noteUseSql = `
  UPDATE application_token AS token SET
    calls = token.calls + use.calls,
    last_used_at = greatest(token.last_used_at, use.at),
    last_used_address = use.address,
    last_used_agent = use.agent,
    addresses = CASE WHEN use.address = ANY(token.addresses) THEN token.addresses
                     ELSE (ARRAY[use.address] || token.addresses)[1:${knownAddresses}] END
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[])
    AS use (account_id, id, calls, at, address, agent)
  JOIN application_token AS before ON before.account_id = use.account_id AND before.id = use.id
  WHERE token.account_id = use.account_id AND token.id = use.id
  RETURNING token.account_id AS "accountId", token.id, token.name, use.address,
    cardinality(before.addresses) > 0 AND NOT use.address = ANY(before.addresses) AS "isNewAddress"`

export interface NotedUse {
  readonly accountId: string
  readonly id: string
  readonly name: string
  readonly address: string
  /** The token was used before, but never from there (as far as its last 20 addresses go). */
  readonly isNewAddress: boolean
}

/** Stores how tokens were used. */
export async function noteUse(sql: Sql, uses: readonly TokenUse[]): Promise<NotedUse[]> {
  return sql.query(noteUseSql, [
    uses.map((use) => use.accountId),
    uses.map((use) => use.id),
    uses.map((use) => use.calls),
    uses.map((use) => use.at),
    uses.map((use) => use.address),
    uses.map((use) => use.userAgent ?? null),
  ])
}

const expireSql = `
  UPDATE application_token SET expiry_told = true
  WHERE (account_id, id) IN (
    SELECT account_id, id FROM application_token
    WHERE NOT expiry_told AND revoked_at IS NULL AND expires_at <= now()
    ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
  RETURNING account_id AS "accountId", id, name, expires_at AS "expiresAt"`

/** Tokens that have expired since the last call; each is returned once. */
export async function takeExpired(
  sql: Sql,
  limit: number,
): Promise<{ accountId: string; id: string; name: string; expiresAt: Date }[]> {
  return sql.query(expireSql, [limit])
}

const warnSql = `
  UPDATE application_token SET expiry_warned = true
  WHERE (account_id, id) IN (
    SELECT account_id, id FROM application_token
    WHERE NOT expiry_warned AND revoked_at IS NULL AND successor_id IS NULL AND expires_at > now()
      AND expires_at < now() + ${warnedDays} * interval '1 day'
      AND expires_at - created_at > ${warnedDays} * interval '1 day'
    ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
  RETURNING account_id AS "accountId", id, name, expires_at AS "expiresAt"`

/** Tokens that expire soon and were not rotated; each is returned once, and none with a short lifetime. */
export async function takeExpiring(
  sql: Sql,
  limit: number,
): Promise<{ accountId: string; id: string; name: string; expiresAt: Date }[]> {
  return sql.query(warnSql, [limit])
}

const noteHoursSql = `
  WITH counted AS MATERIALIZED (
    SELECT token.account_id, token.id, use.calls
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS use (account_id, token_id, calls)
    JOIN application_token AS token ON token.account_id = use.account_id AND token.id = use.token_id
    FOR KEY SHARE OF token
  )
  INSERT INTO token_hour AS known (account_id, token_id, hour, calls)
  SELECT account_id, id, date_trunc('hour', now(), 'UTC'), calls FROM counted
  ON CONFLICT (account_id, token_id, hour) DO UPDATE SET calls = known.calls + EXCLUDED.calls
  RETURNING account_id AS "accountId", token_id AS id, hour, calls::float AS calls, told`

/** How often a token was used in an hour. */
export interface TokenHour {
  readonly accountId: string
  readonly id: string
  readonly hour: Date
  readonly calls: number
  /** Whether this was reported as unusual. */
  readonly told: boolean
}

/**
 * Adds calls to the current hour of these tokens, each named once; returns how often they were used in it so far. A token
 * that was deleted meanwhile, with its account, is not in the answer.
 */
export async function noteHours(
  sql: Sql,
  uses: readonly { accountId: string; id: string; calls: number }[],
): Promise<TokenHour[]> {
  return sql.query(noteHoursSql, [
    uses.map((use) => use.accountId),
    uses.map((use) => use.id),
    uses.map((use) => use.calls),
  ])
}

const findUsualSql = `
  SELECT token.name, count(*)::int AS hours, percentile_cont(0.5) WITHIN GROUP (ORDER BY past.calls) AS median
  FROM token_hour AS past JOIN application_token AS token ON token.account_id = past.account_id AND token.id = past.token_id
  WHERE past.account_id = $1 AND past.token_id = $2 AND past.hour >= $3::timestamptz - interval '7 days' AND past.hour < $3
  GROUP BY token.name`

/** The median of the hours of the week before in which a token was used, and how many these are; undefined without any. */
export async function findUsualCalls(
  sql: Sql,
  { accountId, id, hour }: TokenHour,
): Promise<{ name: string; hours: number; median: number } | undefined> {
  const [row] = await sql.query<{ name: string; hours: number; median: number }>(findUsualSql, [accountId, id, hour])
  return row
}

export async function markHourTold(sql: Sql, { accountId, id, hour }: TokenHour): Promise<void> {
  await sql.query('UPDATE token_hour SET told = true WHERE account_id = $1 AND token_id = $2 AND hour = $3', [
    accountId,
    id,
    hour,
  ])
}

/** Deletes hours that are older than the week that is compared. */
export async function deleteOldHours(sql: Sql): Promise<void> {
  await sql.query("DELETE FROM token_hour WHERE hour < now() - interval '8 days'")
}

/** An application token as its text leads to it. */
export interface KnownToken {
  readonly hash: Buffer
  readonly accountId: string
  readonly id: string
  readonly name: string
  /** Why it is not valid any more; null: it is. */
  readonly ended: 'ROTATED' | 'REVOKED' | 'EXPIRED' | null
  /** The token that replaced it when it was rotated. */
  readonly successorId: string | null
}

const byHashSql = `
  SELECT hash, account_id AS "accountId", id, name, successor_id AS "successorId",
    CASE WHEN revoked_at IS NULL AND expires_at > now() THEN NULL WHEN successor_id IS NOT NULL THEN 'ROTATED'
      WHEN revoked_at IS NOT NULL THEN 'REVOKED' ELSE 'EXPIRED' END AS ended
  FROM application_token WHERE hash = ANY($1)`

/** Application tokens with these hashes, in any state. */
export function findTokensByHash(sql: Sql, hashes: readonly Uint8Array[]): Promise<KnownToken[]> {
  return sql.query<KnownToken>(byHashSql, [hashes])
}

/**
 * The account that a trust rule is for, unless it is suspended: the one with this id, or by default the one that was
 * created first.
 */
export async function findTrustedAccount(sql: Sql, id: string | undefined): Promise<string | undefined> {
  const [row] = await sql.query<{ id: string }>(
    `SELECT id FROM account WHERE ($1::uuid IS NULL OR id = $1) AND suspended_at IS NULL
     ORDER BY created_at, id LIMIT 1`,
    [id ?? null],
  )
  return row?.id
}

/** For how many days exchanged and personal tokens are kept after their end. */
const endedDays = 30

// What was rotated stays: it leads from what was done with it, such as a webhook, to its successor.
const deleteOldSql = `
  DELETE FROM application_token WHERE (account_id, id) IN (
    SELECT account_id, id FROM application_token
    WHERE coalesce(revoked_at, expires_at) < now() - interval '${endedDays} days' AND successor_id IS NULL
      AND (owner_id IS NOT NULL OR (created_by->>'kind' = 'system' AND starts_with(created_by->>'id', 'trust:')))
    LIMIT $1)
  RETURNING id`

/** Deletes up to so many exchanged and personal tokens that ended long ago; returns how many. */
export async function deleteOldTokens(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(deleteOldSql, [limit])).length
}
