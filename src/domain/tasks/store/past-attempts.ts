import type { PastAttempt } from '#domain/tasks/task.ts'
import { storableJson } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'

export interface PastAttemptOfTask extends PastAttempt {
  readonly accountId: string
  readonly taskId: string
}

// One that waited for its retry and was cancelled is known already when somebody retries its task.
const insertSql = `
  INSERT INTO task_attempt (account_id, task_id, number, status, worker_id, started_at, finished_at, error)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::attempt_status[], $5::int[], $6::timestamptz[],
                       $7::timestamptz[], $8::jsonb[])
  ON CONFLICT DO NOTHING`

/** Keeps attempts that others follow. */
export async function insertPastAttempts(sql: Sql, attempts: readonly PastAttemptOfTask[]): Promise<void> {
  if (attempts.length === 0) return
  await sql.query(insertSql, [
    attempts.map(({ accountId }) => accountId),
    attempts.map(({ taskId }) => taskId),
    attempts.map(({ number }) => number),
    attempts.map(({ status }) => status),
    attempts.map(({ workerId }) => workerId),
    attempts.map(({ startedAt }) => startedAt),
    attempts.map(({ finishedAt }) => finishedAt),
    attempts.map(({ error }) => (error === null ? null : storableJson(error))),
  ])
}
