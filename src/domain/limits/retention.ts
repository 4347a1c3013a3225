import type { Sql } from '#platform/database/sql.ts'

const deleteSql = `
  DELETE FROM rate_limit WHERE key IN (
    SELECT key FROM rate_limit WHERE expire < extract(epoch FROM now()) * 1000 LIMIT $1 FOR UPDATE SKIP LOCKED
  ) RETURNING 1 AS gone`

/** Rows in one statement, so that no statement holds others up. */
const batchSize = 1_000

/** Deletes counts whose window is over, of sign-ins, too: every address that ever came would otherwise stay. */
export async function forgetOldCounts(sql: Sql): Promise<void> {
  while ((await sql.query(deleteSql, [batchSize])).length === batchSize);
}
