import type { Attempt } from '#domain/tasks/task.ts'
import type { Sql } from '#platform/database/sql.ts'

const saveSql = `
  INSERT INTO task_checkpoint (account_id, task_id, attempt, value) VALUES ($1, $2, $3, $4::jsonb)
  ON CONFLICT (account_id, task_id) DO UPDATE SET attempt = excluded.attempt, value = excluded.value, saved_at = now()`

/** Keeps what an attempt wants the next one to know, in the place of what was kept before. `json`: what jsonb accepts. */
export async function saveCheckpoint(
  sql: Sql,
  { accountId, taskId, number }: Pick<Attempt, 'accountId' | 'taskId' | 'number'>,
  json: string,
): Promise<void> {
  await sql.query(saveSql, [accountId, taskId, number, json])
}

const deleteSql = 'DELETE FROM task_checkpoint WHERE account_id = $1 AND task_id = $2'

/** Forgets what an attempt has saved. */
export async function deleteCheckpoint(sql: Sql, accountId: string, taskId: string): Promise<void> {
  await sql.query(deleteSql, [accountId, taskId])
}
