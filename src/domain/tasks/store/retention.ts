import type { Sql } from '#platform/database/sql.ts'

const deleteOldSql = `
  DELETE FROM task WHERE (account_id, id) IN (
    SELECT account_id, id FROM task WHERE finished_at < now() - $1 * interval '1 day' ORDER BY finished_at LIMIT $2
  ) RETURNING 1 AS gone`

/** Deletes up to `limit` tasks, with logs and parts, that ended more than `days` days ago; returns how many. */
export async function deleteOldTasks(sql: Sql, days: number, limit: number): Promise<number> {
  return (await sql.query(deleteOldSql, [days, limit])).length
}

const expireResultsSql = `
  WITH old AS (
    SELECT account_id, id FROM task
    WHERE finished_at < now() - $1 * interval '1 day' AND NOT result_expired ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), parts AS (
    DELETE FROM task_part USING old WHERE task_part.account_id = old.account_id AND task_part.task_id = old.id
  )
  UPDATE task SET result = NULL, result_expired = true FROM old
  WHERE task.account_id = old.account_id AND task.id = old.id RETURNING 1 AS gone`

/** Deletes results and parts of up to `limit` tasks that ended more than `days` days ago; returns of how many. */
export async function expireResults(sql: Sql, days: number, limit: number): Promise<number> {
  return (await sql.query(expireResultsSql, [days, limit])).length
}
