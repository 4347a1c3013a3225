import type { Priority } from '#domain/tasks/task.ts'
import type { HoldReason } from '#domain/tasks/waiting.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { JobRef } from './attempts.ts'
import type { KeyCount } from './concurrency.ts'

/** A task whose turn has come, and the job that stood for it. */
export interface WaitingTask extends JobRef {
  readonly type: string
  readonly priority: Priority
  readonly labels: Readonly<Record<string, string>>
  readonly attempt: number
  readonly concurrencyKey: string | null
  /** Its rate limit has been taken into account: it was held for that, and now is its time. */
  readonly isRateReserved: boolean
  /** It is for a remote worker. */
  readonly isRemote: boolean
}

const lockSql = `
  SELECT task.account_id AS "accountId", task.id AS "taskId", task.job_id AS "jobId", task.type, task.priority, task.labels,
         task.attempt, task.concurrency_key AS "concurrencyKey", task.held IS NOT DISTINCT FROM 'RATE' OR task.rate_reserved AS "isRateReserved", task.remote AS "isRemote"
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS job (account_id, task_id, job_id, place)
  JOIN task ON task.account_id = job.account_id AND task.id = job.task_id AND task.job_id = job.job_id
    AND task.status IN ('PENDING', 'SCHEDULED')
  ORDER BY job.place FOR UPDATE OF task`

/** The tasks that still wait for these jobs, in the same order; nobody else changes them until the transaction ends. */
export async function lockWaiting(sql: Sql, jobs: readonly JobRef[]): Promise<WaitingTask[]> {
  return sql.query(lockSql, [
    jobs.map(({ accountId }) => accountId),
    jobs.map(({ taskId }) => taskId),
    jobs.map(({ jobId }) => jobId),
  ])
}

const holdSql = `
  UPDATE task SET held = held.reason, held_at = now(), status = 'PENDING'
  FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS held (account_id, id, reason)
  WHERE task.account_id = held.account_id AND task.id = held.id`

/** Writes why tasks, which this transaction has locked, may not start yet. */
export async function holdTasks(
  sql: Sql,
  tasks: readonly { readonly accountId: string; readonly taskId: string; readonly reason: HoldReason }[],
): Promise<void> {
  await sql.query(holdSql, [
    tasks.map(({ accountId }) => accountId),
    tasks.map(({ taskId }) => taskId),
    tasks.map(({ reason }) => reason),
  ])
}

const holdForQuotaSql = `
  UPDATE task SET held = 'QUOTA', held_at = now(), status = 'PENDING'
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS job (account_id, id, job_id)
  WHERE task.account_id = job.account_id AND task.id = job.id AND task.job_id = job.job_id AND task.held IS NULL
    AND task.status IN ('PENDING', 'SCHEDULED')`

/** Writes that tasks wait for their accounts to run fewer, unless something else holds them already. */
export async function holdForQuota(sql: Sql, jobs: readonly JobRef[]): Promise<void> {
  await sql.query(holdForQuotaSql, [
    jobs.map(({ accountId }) => accountId),
    jobs.map(({ taskId }) => taskId),
    jobs.map(({ jobId }) => jobId),
  ])
}

/** A task that may wait in the queue again. */
export interface ReleasedTask extends JobRef {
  readonly priority: Priority
  readonly isRemote: boolean
}

const findHeldSql = `
  SELECT task.account_id AS "accountId", task.id AS "taskId" FROM unnest($1::uuid[], $2::text[], $3::int[])
    AS freed (account_id, key, count)
  CROSS JOIN LATERAL (
    SELECT account_id, id FROM task
    WHERE account_id = freed.account_id AND held = 'CONCURRENCY' AND concurrency_key = freed.key
    ORDER BY id LIMIT freed.count FOR UPDATE SKIP LOCKED
  ) AS task`

/** For each key, up to `count` tasks that it holds, oldest first; nobody else changes them until the transaction ends. */
export async function lockHeldByKey(
  sql: Sql,
  keys: readonly KeyCount[],
): Promise<Pick<JobRef, 'accountId' | 'taskId'>[]> {
  return sql.query(findHeldSql, [
    keys.map(({ accountId }) => accountId),
    keys.map(({ key }) => key),
    keys.map(({ count }) => count),
  ])
}

const stuckSql = `
  SELECT known.account_id AS "accountId", known.key, known.running, held.type FROM task_concurrency AS known
  CROSS JOIN LATERAL (
    SELECT type FROM task WHERE account_id = known.account_id AND held = 'CONCURRENCY' AND concurrency_key = known.key
    ORDER BY id LIMIT 1
  ) AS held LIMIT $1`

/** A concurrency key that holds tasks, and the type of the oldest. */
export interface HoldingKey {
  readonly accountId: string
  readonly key: string
  readonly running: number
  readonly type: string
}

export async function findHoldingKeys(sql: Sql, limit: number): Promise<HoldingKey[]> {
  return sql.query(stuckSql, [limit])
}

const countHeldBeforeSql = `
  SELECT count(*)::int AS count FROM (
    SELECT 1 FROM task WHERE account_id = $1 AND held = 'CONCURRENCY' AND concurrency_key = $2 AND id < $3 LIMIT $4
  ) AS before`

/** How many tasks the same concurrency key holds that were submitted before; at most `limit`. */
export async function countHeldBefore(
  sql: Sql,
  task: { readonly accountId: string; readonly id: string; readonly concurrencyKey: string | null },
  limit: number,
): Promise<number> {
  const values = [task.accountId, task.concurrencyKey, task.id, limit]
  const [row] = await sql.query<{ count: number }>(countHeldBeforeSql, values)
  return row?.count ?? 0
}

const releaseSql = `
  UPDATE task SET held = NULL, held_at = NULL, job_id = released.job_id
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS released (account_id, id, job_id)
  WHERE task.account_id = released.account_id AND task.id = released.id AND task.held IS NOT NULL
  RETURNING task.account_id AS "accountId", task.id AS "taskId", task.job_id AS "jobId", task.priority,
    task.remote AS "isRemote"`

/** Lets held tasks wait for jobs again. */
export async function releaseTasks(sql: Sql, tasks: readonly JobRef[]): Promise<ReleasedTask[]> {
  return sql.query(releaseSql, [
    tasks.map(({ accountId }) => accountId),
    tasks.map(({ taskId }) => taskId),
    tasks.map(({ jobId }) => jobId),
  ])
}
