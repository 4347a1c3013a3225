import type { Sql } from '#platform/database/sql.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Secret } from './secret.ts'

const columns = `account_id AS "accountId", id, name, created_by AS "createdBy", created_at AS "createdAt",
  updated_by AS "updatedBy", updated_at AS "updatedAt", last_used_at AS "lastUsedAt"`

const saveSql = `
  INSERT INTO secret (account_id, id, name, value, created_by, updated_by) VALUES ($1, $2, $3, $4, $5, $5)
  ON CONFLICT (account_id, name) DO UPDATE SET value = excluded.value, updated_by = excluded.updated_by, updated_at = now()
  RETURNING ${columns}, id = $2 AS "isNew"`

/** Creates a secret, or replaces its value. */
export async function saveSecret(
  sql: Sql,
  secret: {
    readonly accountId: string
    readonly id: string
    readonly name: string
    readonly encrypted: string
    readonly by: Actor
  },
): Promise<Secret & { readonly isNew: boolean }> {
  const { accountId, id, name, encrypted, by } = secret
  const [saved] = await sql.query<Secret & { isNew: boolean }>(saveSql, [
    accountId,
    id,
    name,
    encrypted,
    JSON.stringify(by),
  ])
  return saved as Secret & { isNew: boolean }
}

const countSql = 'SELECT count(*)::int AS count FROM secret WHERE account_id = $1'

export async function countSecrets(sql: Sql, accountId: string): Promise<number> {
  return (await sql.query<{ count: number }>(countSql, [accountId]))[0]?.count ?? 0
}

const deleteSql = `DELETE FROM secret WHERE account_id = $1 AND name = $2 RETURNING ${columns}`

/** Undefined when there was none. */
export async function deleteSecret(sql: Sql, accountId: string, name: string): Promise<Secret | undefined> {
  return (await sql.query<Secret>(deleteSql, [accountId, name]))[0]
}

const listSql = `SELECT ${columns} FROM secret WHERE account_id = $1 AND name COLLATE "C" > $2 ORDER BY name COLLATE "C" LIMIT $3`

/** Secrets by name, behind a name. */
export async function listSecrets(sql: Sql, accountId: string, after: string, limit: number): Promise<Secret[]> {
  return sql.query<Secret>(listSql, [accountId, after, limit])
}

const readSql = 'SELECT name, value FROM secret WHERE account_id = $1 AND name = ANY($2::text[])'
const useSql = `
  UPDATE secret SET last_used_at = now() WHERE account_id = $1 AND name = ANY($2::text[])
    AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`

/** The encrypted values by name; those that don't exist are missing. */
export async function readEncrypted(
  sql: Sql,
  accountId: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await sql.query<{ name: string; value: string }>(readSql, [accountId, names])
  return new Map(rows.map(({ name, value }) => [name, value]))
}

/** Notes that secrets are used, at most once a minute for each, so that attempts don't wait for each other's rows. */
export async function noteUse(sql: Sql, accountId: string, names: readonly string[]): Promise<void> {
  await sql.query(useSql, [accountId, names])
}
