import type { RegisteredTypeRow, TypeRegistration } from '#domain/tasks/remote/registered-type.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Actor } from '#platform/journal/entry.ts'

const columns = `account_id AS "accountId", name, description, input_schema AS "inputSchema", result_schema AS "resultSchema",
  settings, registered_by AS "registeredBy", registered_at AS "registeredAt"`

const findSql = `SELECT ${columns} FROM task_type WHERE account_id = $1 AND name = ANY($2::text[])`

/** The registered types of an account with these names. */
export async function findRegisteredTypes(
  sql: Sql,
  accountId: string,
  names: readonly string[],
): Promise<RegisteredTypeRow[]> {
  return sql.query(findSql, [accountId, names])
}

const listSql = `SELECT ${columns} FROM task_type WHERE account_id = $1 ORDER BY name LIMIT $2`

/** The registered types of an account, up to `limit`, by name. */
export async function listRegisteredTypes(sql: Sql, accountId: string, limit: number): Promise<RegisteredTypeRow[]> {
  return sql.query(listSql, [accountId, limit])
}

// Registrations of an account come one after the other, so that its number of types is exact.
const lockSql = 'SELECT FROM account WHERE id = $1 FOR NO KEY UPDATE'
const countSql = 'SELECT count(*)::int AS count FROM task_type WHERE account_id = $1'

/** Keeps others from registering types of the account until the transaction ends. */
export async function lockRegistrations(sql: Sql, accountId: string): Promise<void> {
  await sql.query(lockSql, [accountId])
}

export async function countRegisteredTypes(sql: Sql, accountId: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>(countSql, [accountId])
  return row?.count ?? 0
}

// What is registered again as it was is not written.
const saveSql = `
  INSERT INTO task_type AS known (account_id, name, description, input_schema, result_schema, settings, registered_by)
  SELECT $1, name, description, input_schema, result_schema, settings, $7::jsonb
  FROM unnest($2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::jsonb[])
    AS wanted (name, description, input_schema, result_schema, settings)
  ON CONFLICT (account_id, name) DO UPDATE SET description = EXCLUDED.description, input_schema = EXCLUDED.input_schema,
    result_schema = EXCLUDED.result_schema, settings = EXCLUDED.settings, registered_by = EXCLUDED.registered_by,
    registered_at = now()
  WHERE (known.description, known.input_schema, known.result_schema, known.settings)
    IS DISTINCT FROM (EXCLUDED.description, EXCLUDED.input_schema, EXCLUDED.result_schema, EXCLUDED.settings)
  RETURNING name`

/** Writes types in the place of earlier ones with the same names; returns the names of those that have changed. */
export async function saveRegisteredTypes(
  sql: Sql,
  accountId: string,
  types: readonly TypeRegistration[],
  registeredBy: Actor,
): Promise<string[]> {
  const rows = await sql.query<{ name: string }>(saveSql, [
    accountId,
    types.map(({ name }) => name),
    types.map(({ description }) => description),
    types.map(({ inputSchema }) => JSON.stringify(inputSchema)),
    types.map(({ resultSchema }) => (resultSchema === undefined ? null : JSON.stringify(resultSchema))),
    types.map(({ settings }) => JSON.stringify(settings)),
    JSON.stringify(registeredBy),
  ])
  return rows.map(({ name }) => name)
}

const removeSql = 'DELETE FROM task_type WHERE account_id = $1 AND name = ANY($2::text[]) RETURNING name'

/** Deletes types; returns the names of those that there were. */
export async function removeRegisteredTypes(sql: Sql, accountId: string, names: readonly string[]): Promise<string[]> {
  return (await sql.query<{ name: string }>(removeSql, [accountId, names])).map(({ name }) => name)
}
