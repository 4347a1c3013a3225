import type { Sql } from '#platform/database/sql.ts'
import type { Role } from './caller.ts'

export interface TokenRow {
  readonly accountId: string
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly scopes: string[]
  readonly expiresAt: Date | null
}

const findTokenSql = `
  SELECT account_id AS "accountId", id, name, role, scopes, expires_at AS "expiresAt"
  FROM application_token WHERE hash = $1 AND revoked_at IS NULL`

/** The application token with this hash, unless it was revoked. */
export async function findToken(sql: Sql, hash: Uint8Array): Promise<TokenRow | undefined> {
  const [row] = await sql.query<TokenRow>(findTokenSql, [hash])
  return row
}

/** Whether there is no account yet; holds others off from making the first one until the transaction ends. */
export async function lockEmptyInstallation(sql: Sql): Promise<boolean> {
  await sql.query('LOCK TABLE account IN EXCLUSIVE MODE')
  const [row] = await sql.query<{ empty: boolean }>('SELECT NOT EXISTS (SELECT 1 FROM account) AS empty')
  return row?.empty === true
}

export async function hasAccounts(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ some: boolean }>('SELECT EXISTS (SELECT 1 FROM account) AS some')
  return row?.some === true
}

export async function insertAccount(sql: Sql, id: string, name: string): Promise<void> {
  await sql.query('INSERT INTO account (id, name) VALUES ($1, $2)', [id, name])
}

export interface NewToken {
  readonly accountId: string
  readonly id: string
  readonly name: string
  readonly hash: Uint8Array
  readonly role: Role
  readonly scopes: readonly string[]
}

export async function insertToken(sql: Sql, token: NewToken): Promise<void> {
  await sql.query(
    'INSERT INTO application_token (account_id, id, name, hash, role, scopes) VALUES ($1, $2, $3, $4, $5::role, $6)',
    [token.accountId, token.id, token.name, token.hash, token.role, token.scopes],
  )
}
