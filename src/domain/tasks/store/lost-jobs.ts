import type { Priority } from '#domain/tasks/task.ts'
import type { Sql } from '#platform/database/sql.ts'

/** A task that waits, and the job that should start its next attempt. */
export interface OverdueTask {
  readonly accountId: string
  readonly id: string
  readonly priority: Priority
  readonly jobId: string
  /** It is for a remote worker. */
  readonly isRemote: boolean
}

/** Tasks of one account that are looked at: those behind them have their turn when these have started. */
const perAccount = 100

// By account, so that the index on account and status has them in order.
const overdueSql = `
  SELECT task.* FROM account CROSS JOIN LATERAL (
    SELECT account_id AS "accountId", id, priority, job_id AS "jobId", remote AS "isRemote" FROM task
    WHERE account_id = account.id AND status = 'PENDING' AND (held IS NULL OR held IN ('RATE', 'QUOTA', 'EVENT', 'APPROVAL', 'UNTIL', 'TASK') OR held = 'SHARE' AND fairness_key IS NULL)
      AND run_at < now() - $1 * interval '1 millisecond'
    ORDER BY id LIMIT ${perAccount}
  ) AS task LIMIT $2`

/** Waiting tasks that have been due for longer than this, the oldest of each account. */
export async function findOverdueTasks(sql: Sql, dueForMs: number, limit: number): Promise<OverdueTask[]> {
  return sql.query(overdueSql, [dueForMs, limit])
}

const replaceSql = `
  UPDATE task SET job_id = replaced.new_id
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) AS replaced (account_id, id, job_id, new_id)
  WHERE task.account_id = replaced.account_id AND task.id = replaced.id AND task.job_id = replaced.job_id
    AND task.status = 'PENDING'
  RETURNING task.account_id AS "accountId", task.id, task.priority, task.job_id AS "jobId", task.remote AS "isRemote"`

/** Gives tasks another job; those that wait no more, or for another job by now, are not in the answer. */
export async function replaceJobs(
  tx: Sql,
  tasks: readonly (OverdueTask & { readonly newJobId: string })[],
): Promise<OverdueTask[]> {
  return tx.query(replaceSql, [
    tasks.map(({ accountId }) => accountId),
    tasks.map(({ id }) => id),
    tasks.map(({ jobId }) => jobId),
    tasks.map(({ newJobId }) => newJobId),
  ])
}
