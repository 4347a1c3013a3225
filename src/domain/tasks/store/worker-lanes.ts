import type { Priority } from '#domain/tasks/task.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { JobRef } from './attempts.ts'

/** Tasks for remote workers of an account, priority and type with the same fairness key. */
export interface WorkerLane {
  readonly accountId: string
  readonly priority: Priority
  readonly type: string
  /** Empty for tasks without a fairness key. */
  readonly key: string
  /** How many turns it gets where a lane of weight 1 gets one. */
  readonly weight: number
}

// Locks the shares, so that nobody closes these lanes before the transaction ends.
const lockSharesSql = `
  INSERT INTO worker_share AS share (account_id, priority)
  SELECT DISTINCT account_id, priority FROM unnest($1::uuid[], $2::priority[]) AS wanted (account_id, priority) ORDER BY 1, 2
  ON CONFLICT (account_id, priority) DO UPDATE SET now = share.now`

const openSql = `
  INSERT INTO worker_lane AS lane (account_id, priority, type, key, weight, next)
  SELECT wanted.account_id, wanted.priority, wanted.type, wanted.key, wanted.weight, share.now
  FROM unnest($1::uuid[], $2::priority[], $3::text[], $4::text[], $5::int[]) AS wanted (account_id, priority, type, key, weight)
  JOIN worker_share AS share ON share.account_id = wanted.account_id AND share.priority = wanted.priority
  ORDER BY 1, 2, 3, 4
  ON CONFLICT (account_id, priority, type, key) DO UPDATE
    SET weight = CASE WHEN $6 THEN EXCLUDED.weight ELSE lane.weight END, next = greatest(lane.next, EXCLUDED.next)`

/** Makes lanes known in which tasks wait for remote workers; `isWeighed`: with these weights, also where they are known. */
export async function openWorkerLanes(
  sql: Sql,
  lanes: readonly WorkerLane[],
  { isWeighed }: { readonly isWeighed: boolean },
): Promise<void> {
  const accounts = lanes.map(({ accountId }) => accountId)
  const priorities = lanes.map(({ priority }) => priority)
  await sql.query(lockSharesSql, [accounts, priorities])
  await sql.query(openSql, [
    accounts,
    priorities,
    lanes.map(({ type }) => type),
    lanes.map(({ key }) => key),
    lanes.map(({ weight }) => weight),
    isWeighed,
  ])
}

const waitSql = `
  UPDATE task SET held = 'WORKER', held_at = now(), status = 'PENDING', rate_reserved = rate_reserved OR held IS NOT DISTINCT FROM 'RATE'
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS job (account_id, id, job_id)
  WHERE task.account_id = job.account_id AND task.id = job.id AND task.job_id = job.job_id
    AND task.status IN ('PENDING', 'SCHEDULED')
  RETURNING task.account_id AS "accountId", task.priority, task.type, coalesce(task.fairness_key, '') AS key, 1 AS weight`

/** Lets tasks that are due wait for a remote worker, unless they wait for another job by now; returns their lanes, some more than once. */
export async function holdForWorkers(sql: Sql, jobs: readonly JobRef[]): Promise<WorkerLane[]> {
  return sql.query(waitSql, [
    jobs.map(({ accountId }) => accountId),
    jobs.map(({ taskId }) => taskId),
    jobs.map(({ jobId }) => jobId),
  ])
}

const waitingSql = `
  SELECT DISTINCT priority FROM worker_lane WHERE account_id = $1 AND type = ANY($2::text[])`

/** The priorities of which an account's tasks of these types may wait for a remote worker. */
export async function findWaitingPriorities(
  sql: Sql,
  accountId: string,
  types: readonly string[],
): Promise<ReadonlySet<Priority>> {
  const rows = await sql.query<{ priority: Priority }>(waitingSql, [accountId, types])
  return new Set(rows.map(({ priority }) => priority))
}

const accountsSql = `SELECT DISTINCT account_id AS id FROM worker_lane WHERE account_id = ANY($1::uuid[])`

/** Those of the accounts of which tasks may wait for a remote worker. */
export async function findWaitingAccounts(sql: Sql, accountIds: readonly string[]): Promise<string[]> {
  return (await sql.query<{ id: string }>(accountsSql, [accountIds])).map(({ id }) => id)
}

const takeSql = 'SELECT * FROM take_for_worker($1, $2, $3, $4)'

/** Chooses up to `limit` tasks of these types by the turns of their lanes; they wait no longer. */
export async function takeForWorker(
  sql: Sql,
  { accountId, types }: { readonly accountId: string; readonly types: readonly string[] },
  priority: Priority,
  limit: number,
): Promise<JobRef[]> {
  const rows = await sql.query<Omit<JobRef, 'accountId'>>(takeSql, [accountId, priority, types, limit])
  return rows.map((row) => ({ accountId, ...row }))
}

const forgetSql = `
  DELETE FROM worker_share AS share WHERE (account_id, priority) IN (
    SELECT account_id, priority FROM worker_share AS idle
    WHERE NOT EXISTS (SELECT FROM worker_lane AS lane WHERE lane.account_id = idle.account_id AND lane.priority = idle.priority)
    LIMIT $1 FOR UPDATE SKIP LOCKED
  ) RETURNING 1 AS gone`

/** Deletes up to `limit` shares without lanes; returns how many. */
export async function forgetIdleWorkerShares(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(forgetSql, [limit])).length
}
