import type { Sql } from '#platform/database/sql.ts'
import type { LockedTask } from './tasks.ts'

const openSql = `
  WITH RECURSIVE line AS (
    SELECT id, 1 AS generation FROM task WHERE account_id = $1 AND parent_id = $2
    UNION ALL
    SELECT task.id, generation + 1
    FROM line JOIN task ON task.account_id = $1 AND task.parent_id = line.id WHERE generation < $3
  )
  SELECT task.id FROM line JOIN task ON task.account_id = $1 AND task.id = line.id
  WHERE task.status IN ('SCHEDULED', 'PENDING', 'ACTIVE') AND task.cancel_requested_at IS NULL LIMIT $4`

/** Up to `limit` descendants of a task that have not ended and were not asked to stop. */
export async function findOpenDescendants(
  sql: Sql,
  { accountId, id }: { readonly accountId: string; readonly id: string },
  generations: number,
  limit: number,
): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(openSql, [accountId, id, generations, limit])
  return rows.map((row) => row.id)
}

const setSpreadingSql = 'UPDATE task SET cancels_descendants = $3 WHERE account_id = $1 AND id = $2'

/** Writes whether some descendants of a cancelled task have still to be cancelled. */
export async function setCancelsDescendants(
  sql: Sql,
  { accountId, id }: { readonly accountId: string; readonly id: string },
  isUnfinished: boolean,
): Promise<void> {
  await sql.query(setSpreadingSql, [accountId, id, isUnfinished])
}

const unfinishedSql = `
  SELECT account_id AS "accountId", id, cancel_reason AS "reason" FROM task WHERE cancels_descendants
  ORDER BY account_id, id LIMIT $1`

/** A cancelled task some of whose descendants have still to be cancelled. */
export type UnfinishedCancellation = Pick<LockedTask, 'accountId' | 'id'> & { readonly reason: string | null }

export async function findUnfinishedCancellations(sql: Sql, limit: number): Promise<UnfinishedCancellation[]> {
  return sql.query(unfinishedSql, [limit])
}
