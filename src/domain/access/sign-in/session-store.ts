import type { PersonRole } from '#domain/access/people/user.ts'
import { type Seen, seenColumns } from '#platform/database/snapshot.ts'
import type { Sql } from '#platform/database/sql.ts'
import { isSuspended } from '#platform/database/suspended.ts'

/** A person who is signed in, on one device. */
export interface SessionRow {
  readonly accountId: string
  readonly id: string
  readonly userId: string
  readonly email: string
  readonly role: PersonRole
  /** What the session is narrowed to; everything that the role allows when empty. */
  readonly scopes: string[]
  readonly expiresAt: Date
}

const columns = `
  session.account_id AS "accountId", session.id, session.user_id AS "userId", users.email, users.role, session.scopes,
  session.expires_at AS "expiresAt"`
const ofUser = `session JOIN users ON users.account_id = session.account_id AND users.id = session.user_id`
const goesOn = `session.ended_at IS NULL AND session.expires_at > now() AND users.removed_at IS NULL`

const findSessionSql = `
  SELECT ${columns}, ${seenColumns}, ${isSuspended('session.account_id')} AS "isSuspended"
  FROM ${ofUser} WHERE session.id = $1 AND session.user_id = $2 AND ${goesOn}`

export interface FoundSession extends SessionRow, Seen {
  /** Whether its account is suspended. */
  readonly isSuspended: boolean
}

/** The session, unless it has ended or its person was removed; with what was known by then. */
export async function findSession(sql: Sql, id: string, userId: string): Promise<FoundSession | undefined> {
  const [row] = await sql.query<FoundSession>(findSessionSql, [id, userId])
  return row
}

export interface NewSession {
  readonly accountId: string
  readonly id: string
  readonly userId: string
  readonly scopes: readonly string[]
  readonly expiresAt: Date
  readonly address: string
  readonly userAgent: string | undefined
  /** How the person signed in: `password`, `oidc`, `device`. */
  readonly method: string
}

const insertSessionSql = `
  INSERT INTO session (account_id, id, user_id, scopes, expires_at, address, user_agent, method)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

export async function insertSession(sql: Sql, session: NewSession): Promise<void> {
  const { accountId, id, userId, scopes, expiresAt, address, userAgent, method } = session
  await sql.query(insertSessionSql, [accountId, id, userId, scopes, expiresAt, address, userAgent ?? null, method])
  await sql.query('UPDATE users SET last_sign_in_at = now() WHERE account_id = $1 AND id = $2', [accountId, userId])
}

// The token is locked too, since a transaction that waited for the session would still see it unused.
const lockByRefreshSql = `
  SELECT ${columns}, refresh_token.used_at IS NOT NULL AS "wasUsed", ${goesOn} AND NOT ${isSuspended('session.account_id')} AS "goesOn"
  FROM refresh_token JOIN session ON session.account_id = refresh_token.account_id AND session.id = refresh_token.session_id
  JOIN users ON users.account_id = session.account_id AND users.id = session.user_id
  WHERE refresh_token.hash = $1 FOR UPDATE OF session, refresh_token`

export interface RefreshedSession extends SessionRow {
  /** The token was exchanged for a new one before: somebody has a copy. */
  readonly wasUsed: boolean
  readonly goesOn: boolean
}

/** The session that a refresh token belongs to, kept from others until the transaction ends. */
export async function lockByRefresh(sql: Sql, hash: Uint8Array): Promise<RefreshedSession | undefined> {
  const [row] = await sql.query<RefreshedSession>(lockByRefreshSql, [hash])
  return row
}

/** Gives a session its next refresh token; the one before is used up. */
export async function insertRefreshToken(
  sql: Sql,
  session: { accountId: string; id: string },
  hash: Uint8Array,
): Promise<void> {
  await sql.query(
    'UPDATE refresh_token SET used_at = now() WHERE account_id = $1 AND session_id = $2 AND used_at IS NULL',
    [session.accountId, session.id],
  )
  await sql.query('INSERT INTO refresh_token (hash, account_id, session_id) VALUES ($1, $2, $3)', [
    hash,
    session.accountId,
    session.id,
  ])
}

/** Notes a sign of life, and lets the session go on until then. */
export async function prolongSession(
  sql: Sql,
  session: { accountId: string; id: string },
  until: Date,
  from: { address: string; userAgent: string | undefined },
): Promise<void> {
  await sql.query(
    'UPDATE session SET last_used_at = now(), expires_at = $3, address = $4, user_agent = $5 WHERE account_id = $1 AND id = $2',
    [session.accountId, session.id, until, from.address, from.userAgent ?? null],
  )
}

/** Leaves a session with fewer scopes. */
export async function narrowSession(sql: Sql, accountId: string, id: string, scopes: readonly string[]): Promise<void> {
  await sql.query('UPDATE session SET scopes = $3 WHERE account_id = $1 AND id = $2', [accountId, id, scopes])
}

const endSessionSql = `
  UPDATE session SET ended_at = now(), end_reason = $3 WHERE account_id = $1 AND id = $2 AND ended_at IS NULL
  RETURNING id, user_id AS "userId"`

/** Ends a session; undefined when it had ended, or isn't there. */
export async function endSession(
  sql: Sql,
  accountId: string,
  id: string,
  reason: string,
): Promise<{ id: string; userId: string } | undefined> {
  const [row] = await sql.query<{ id: string; userId: string }>(endSessionSql, [accountId, id, reason])
  return row
}

const sessionUserSql = `SELECT users.id, users.role FROM ${ofUser} WHERE session.account_id = $1 AND session.id = $2`

/** The person whose session it is or was; undefined when there is none. */
export async function findSessionUser(
  sql: Sql,
  accountId: string,
  id: string,
): Promise<{ id: string; role: PersonRole } | undefined> {
  return (await sql.query<{ id: string; role: PersonRole }>(sessionUserSql, [accountId, id]))[0]
}

const endSessionsSql = `
  UPDATE session SET ended_at = now(), end_reason = $3 WHERE account_id = $1 AND user_id = $2 AND ended_at IS NULL`

/** Ends everything that a person is signed in with. */
export async function endSessionsOf(sql: Sql, accountId: string, userId: string, reason: string): Promise<void> {
  await sql.query(endSessionsSql, [accountId, userId, reason])
}

const endSomeSql = `
  UPDATE session SET ended_at = now(), end_reason = $4 WHERE account_id = $1 AND id IN (
    SELECT id FROM session
    WHERE account_id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > now() AND id IS DISTINCT FROM $3
    ORDER BY id LIMIT $5 FOR UPDATE)
  RETURNING id`

/** Ends some of what a person is signed in with, but for one session; returns which. */
export async function endSomeSessions(
  sql: Sql,
  wanted: { accountId: string; userId: string; kept: string | undefined; reason: string; limit: number },
): Promise<string[]> {
  const { accountId, userId, kept = null, reason, limit } = wanted
  const rows = await sql.query<{ id: string }>(endSomeSql, [accountId, userId, kept, reason, limit])
  return rows.map(({ id }) => id)
}

/** Signs of life of sessions, gathered; each session once. */
export interface SessionUse {
  readonly accountId: string
  readonly id: string
  readonly at: Date
  readonly address: string
  readonly userAgent: string | undefined
}

const noteUseSql = `
  UPDATE session SET last_used_at = greatest(session.last_used_at, use.at), address = use.address, user_agent = use.agent
  FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[]) AS use (account_id, id, at, address, agent)
  WHERE session.account_id = use.account_id AND session.id = use.id`

/** Writes down when and from where sessions were last used. */
export async function noteSessionUse(sql: Sql, uses: readonly SessionUse[]): Promise<void> {
  await sql.query(noteUseSql, [
    uses.map((use) => use.accountId),
    uses.map((use) => use.id),
    uses.map((use) => use.at),
    uses.map((use) => use.address),
    uses.map((use) => use.userAgent ?? null),
  ])
}

const deleteOldSql = `
  DELETE FROM session WHERE (account_id, id) IN (
    SELECT account_id, id FROM session WHERE coalesce(ended_at, expires_at) < now() - $1 * interval '1 day' LIMIT $2)
  RETURNING id`

/** Deletes sessions that are over for longer than that; returns how many. */
export async function deleteOldSessions(sql: Sql, days: number, limit: number): Promise<number> {
  return (await sql.query(deleteOldSql, [days, limit])).length
}
