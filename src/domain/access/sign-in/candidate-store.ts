import { isStorable } from '#lib/json.ts'
import { type Seen, seenColumns } from '#platform/database/snapshot.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { AccountName } from './errors.ts'
import { isKnownPlace } from './place-store.ts'
import type { KnownPerson } from './sessions.ts'

/** Somebody who may be meant by who signs in: a person of one account. */
export interface Candidate extends KnownPerson {
  readonly accountName: string
}

/** A candidate by e-mail address and password. */
export interface PasswordCandidate extends Candidate {
  readonly passwordHash: string | null
  /** Whether they have signed in from this place before. */
  readonly isKnownPlace: boolean
}

/** How many accounts of one person are looked at unless one is named; those that they have signed in to last. */
const maxCandidates = 10

const columns = `
  users.account_id AS "accountId", account.name AS "accountName", users.id, users.email, users.role`
const ofAccounts = 'users JOIN account ON account.id = users.account_id'
/** In an account that is named by id or name as `$2`, or in any; nobody signs in to a suspended one. */
const where = `users.removed_at IS NULL AND account.suspended_at IS NULL AND ($2::text IS NULL OR account.id::text = lower($2) OR account.name = $2)`
const latest = `ORDER BY users.last_sign_in_at DESC NULLS LAST, users.account_id LIMIT ${maxCandidates}`

const findPasswordsSql = `
  SELECT ${columns}, users.password_hash AS "passwordHash", ${isKnownPlace('$3')} AS "isKnownPlace"
  FROM ${ofAccounts} WHERE users.email = $1 AND ${where} ${latest}`

/** Who has this address, and what is stored of their passwords. */
export async function findPasswordCandidates(
  sql: Sql,
  email: string,
  { account, place }: { account: string | undefined; place: string },
): Promise<PasswordCandidate[]> {
  if (!isStorable(account ?? '')) return []
  return sql.query(findPasswordsSql, [email, account ?? null, place])
}

const findByEmailSql = `SELECT ${columns} FROM ${ofAccounts} WHERE users.email = $1 AND ${where} ${latest}`

/** Who has this address. */
export async function findByEmail(sql: Sql, email: string, account: string | undefined): Promise<Candidate[]> {
  return sql.query(findByEmailSql, [email, account ?? null])
}

const ofIdentities = `
  identity JOIN users ON users.account_id = identity.account_id AND users.id = identity.user_id
  JOIN account ON account.id = users.account_id`

const findByIdentitySql = `
  SELECT ${columns} FROM ${ofIdentities} WHERE identity.subject = $1 AND identity.issuer = $3 AND ${where} ${latest}`

/** Whom a provider knows by this id. */
export async function findByIdentity(
  sql: Sql,
  { issuer, subject }: { issuer: string; subject: string },
  account: string | undefined,
): Promise<Candidate[]> {
  return sql.query(findByIdentitySql, [subject, account ?? null, issuer])
}

// One in a suspended account is found too: the next account must not take its place without being named.
const findFirstSql = `
  SELECT ${columns}, ${seenColumns}, account.suspended_at IS NOT NULL AS "isSuspended" FROM ${ofIdentities}
  WHERE identity.subject = $1 AND identity.issuer = $2 AND users.removed_at IS NULL
  ORDER BY identity.created_at, account.id LIMIT 1`

export interface FoundCandidate extends Candidate, Seen {
  /** Whether the account is suspended. */
  readonly isSuspended: boolean
}

/** Whom a provider has known by this id for longest; with what was known by then. */
export async function findFirstByIdentity(
  sql: Sql,
  { issuer, subject }: { issuer: string; subject: string },
): Promise<FoundCandidate | undefined> {
  const [row] = await sql.query<FoundCandidate>(findFirstSql, [subject, issuer])
  return row
}

/** Whether an account is the one that is named by id or name. */
export async function isAccount(sql: Sql, id: string, named: string): Promise<boolean> {
  const rows = await sql.query('SELECT FROM account WHERE id = $1 AND (id::text = lower($2) OR name = $2)', [id, named])
  return rows.length > 0
}

/** The accounts of candidates, for one to be named. */
export function accountsOf(candidates: readonly Candidate[]): AccountName[] {
  return candidates.map(({ accountId: id, accountName: name }) => ({ id, name }))
}
