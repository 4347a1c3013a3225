import type { Sql } from '#platform/database/sql.ts'

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
