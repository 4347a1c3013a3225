import { isStorable } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Account } from './account.ts'
import { AccountAmbiguous, AccountNotFound } from './account-errors.ts'

/** Whether there is no account yet; keeps others from creating the first one until the transaction ends. */
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

const columns = `
  id, name, created_at AS "createdAt", suspended_at AS "suspendedAt", suspension_reason AS "suspensionReason",
  deletion_at AS "deletionAt", id = (SELECT id FROM account ORDER BY created_at, id LIMIT 1) AS "isFirst"`

const listSql = `
  SELECT ${columns} FROM account
  WHERE $1::uuid IS NULL OR (created_at, id) > (SELECT created_at, id FROM account WHERE id = $1)
  ORDER BY created_at, id LIMIT $2`

/** The accounts after the one with this id, or from the first one on, oldest first. */
export function listAccounts(sql: Sql, after: string | undefined, limit: number): Promise<Account[]> {
  return sql.query(listSql, [after ?? null, limit])
}

/** Lets one transaction at a time create an account or change its state; accounts can be used meanwhile. */
export async function lockAccounts(sql: Sql): Promise<void> {
  await sql.query('SELECT pg_advisory_xact_lock($1)', [accountsLock])
}

/** Key of the advisory lock of {@link lockAccounts}. */
const accountsLock = 0x5b0c_0007

const findSql = `SELECT ${columns} FROM account WHERE id::text = lower($1) OR name = $1 ORDER BY created_at LIMIT 2`

/** The accounts with this id or name, at most two: names that somebody wrote into the database may be equal. */
export function findAccountsCalled(sql: Sql, called: string): Promise<Account[]> {
  return sql.query(findSql, [called])
}

/** The account with this id or name. @throws {AccountNotFound} @throws {AccountAmbiguous} */
export async function findAccount(sql: Sql, called: string): Promise<Account> {
  const [account, another] = isStorable(called) ? await findAccountsCalled(sql, called) : []
  if (account === undefined) throw new AccountNotFound(called)
  if (another !== undefined) throw new AccountAmbiguous(called)
  return account
}

/** The account that was created first, which has the installation's own log. */
export async function findFirstAccount(sql: Sql): Promise<string> {
  const [row] = await listAccounts(sql, undefined, 1)
  if (row === undefined) throw new Error('There is no account yet.')
  return row.id
}

/** Suspends an account, or with undefined lets it be served again. */
export async function saveSuspension(
  sql: Sql,
  id: string,
  suspension: { readonly at: Date; readonly reason: string | undefined } | undefined,
): Promise<void> {
  const values = [id, suspension?.at ?? null, suspension?.reason ?? null]
  await sql.query('UPDATE account SET suspended_at = $2, suspension_reason = $3 WHERE id = $1', values)
}
