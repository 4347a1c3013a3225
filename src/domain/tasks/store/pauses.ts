import type { Pause, PauseRef } from '#domain/tasks/pause.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { JobRef } from './attempts.ts'

const columns = `account_id AS "accountId", kind, value, reason, paused_by AS "pausedBy", paused_at AS "pausedAt"`

const insertSql = `
  INSERT INTO task_pause (account_id, kind, value, reason, paused_by) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (account_id, kind, value) DO UPDATE
    SET reason = EXCLUDED.reason, paused_by = EXCLUDED.paused_by, paused_at = EXCLUDED.paused_at
  RETURNING ${columns}`

/** Writes a pause, in the place of an earlier one for the same tasks. */
export async function insertPause(sql: Sql, pause: Omit<Pause, 'pausedAt'>): Promise<Pause> {
  const { accountId, kind, value, reason, pausedBy } = pause
  const rows = await sql.query<Pause>(insertSql, [accountId, kind, value, reason, JSON.stringify(pausedBy)])
  return rows[0] as Pause
}

const deleteSql = `DELETE FROM task_pause WHERE account_id = $1 AND kind = $2 AND value = $3 RETURNING 1 AS gone`

/** Deletes a pause; whether there was one. */
export async function deletePause(sql: Sql, { accountId, kind, value }: PauseRef): Promise<boolean> {
  return (await sql.query(deleteSql, [accountId, kind, value])).length > 0
}

const ofAccountsSql = `
  SELECT ${columns} FROM task_pause WHERE account_id = ANY($1::uuid[]) ORDER BY account_id, kind, value LIMIT $2`

/** The pauses of these accounts, up to `limit`, in order. */
export async function readPauses(sql: Sql, accountIds: readonly string[], limit: number): Promise<Pause[]> {
  return accountIds.length === 0 ? [] : sql.query<Pause>(ofAccountsSql, [accountIds, limit])
}

const countSql = 'SELECT count(*)::int AS count FROM task_pause WHERE account_id = $1'

export async function countPauses(sql: Sql, accountId: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>(countSql, [accountId])
  return row?.count ?? 0
}

const accountsSql = 'SELECT DISTINCT account_id AS id FROM task_pause'

/** Accounts that have paused anything. */
export async function findPausingAccounts(sql: Sql): Promise<string[]> {
  return (await sql.query<{ id: string }>(accountsSql)).map(({ id }) => id)
}

const holdingSql = `
  SELECT id FROM account WHERE EXISTS (SELECT FROM task WHERE task.account_id = account.id AND held = 'PAUSED')`

/** Accounts with tasks that a pause holds, or held. */
export async function findPausedAccounts(sql: Sql): Promise<string[]> {
  return (await sql.query<{ id: string }>(holdingSql)).map(({ id }) => id)
}

const resumedSql = `
  SELECT account_id AS "accountId", id AS "taskId" FROM task
  WHERE account_id = $1 AND held = 'PAUSED' AND NOT EXISTS (
    SELECT FROM task_pause AS pause WHERE pause.account_id = $1 AND (
      pause.kind = 'PRIORITY' AND pause.value = task.priority::text OR pause.kind = 'TYPE' AND pause.value = task.type
      OR pause.kind = 'CONCURRENCY_KEY' AND pause.value = task.concurrency_key)
  )
  ORDER BY id LIMIT $2 FOR UPDATE OF task SKIP LOCKED`

/** Up to `limit` tasks of an account that no pause holds any more, oldest first; nobody else changes them until the transaction ends. */
export async function lockResumed(
  sql: Sql,
  accountId: string,
  limit: number,
): Promise<Pick<JobRef, 'accountId' | 'taskId'>[]> {
  return sql.query(resumedSql, [accountId, limit])
}
