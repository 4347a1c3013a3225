import type { ProgressingAttempt } from '#domain/tasks/progress-board.ts'
import type { Attempt, TaskStatus } from '#domain/tasks/task.ts'
import type { Sql } from '#platform/database/sql.ts'
import { type AttemptRow, toAttempt } from './attempts.ts'

/** How long an attempt may go on after it was asked to stop. */
const cancelGrace = `interval '30 seconds'`
/** How long an attempt may take. */
const timeLimit = `task.timeout_ms * interval '1 millisecond'`
const ms = (column: string) => `${column} * interval '1 millisecond'`

const insertSql = `
  INSERT INTO task_lease AS lease (account_id, task_id, fence, worker_id, lease_ms, until)
  SELECT account_id, task_id, fence, $5, $6, clock_timestamp() + ${ms('least($6, timeout_ms)')}
  FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[]) AS new (account_id, task_id, fence, timeout_ms)
  ON CONFLICT (account_id, task_id) DO UPDATE SET fence = EXCLUDED.fence, worker_id = EXCLUDED.worker_id,
    lease_ms = EXCLUDED.lease_ms, until = EXCLUDED.until, lines = 0
  RETURNING task_id AS "taskId", until`

/** Gives a remote worker leases of attempts that it has just started; returns until when they last, by task. */
export async function insertLeases(
  sql: Sql,
  attempts: readonly Attempt[],
  workerId: number,
  leaseMs: number,
): Promise<ReadonlyMap<string, Date>> {
  const rows = await sql.query<{ taskId: string; until: Date }>(insertSql, [
    attempts.map(({ accountId }) => accountId),
    attempts.map(({ taskId }) => taskId),
    attempts.map(({ fence }) => fence),
    attempts.map(({ timeoutMs }) => timeoutMs),
    workerId,
    leaseMs,
  ])
  return new Map(rows.map(({ taskId, until }) => [taskId, until]))
}

export interface LeaseRef {
  readonly taskId: string
  readonly fence: number
}

const progressColumns = `lease.account_id AS "accountId", lease.task_id AS "taskId", task.type, task.priority, task.labels,
  task.attempt AS number, lease.fence, lease.worker_id AS "workerId"`

const renewSql = `
  UPDATE task_lease AS lease SET until = least(clock_timestamp() + ${ms('lease.lease_ms')},
    task.started_at + ${timeLimit}, task.cancel_requested_at + ${cancelGrace})
  FROM unnest($3::uuid[], $4::int[]) AS asked (task_id, fence)
  JOIN task ON task.account_id = $1 AND task.id = asked.task_id AND task.fence = asked.fence AND task.status = 'ACTIVE'
  WHERE lease.account_id = $1 AND lease.task_id = asked.task_id AND lease.fence = asked.fence AND lease.worker_id = $2
  RETURNING ${progressColumns}, lease.until, task.cancel_requested_at IS NOT NULL AS "isCancelRequested"`

export interface RenewedLease extends ProgressingAttempt {
  readonly until: Date
  readonly isCancelRequested: boolean
}

/**
 * Prolongs leases that a worker still has; but not beyond the task's time limit, nor by much once somebody has asked the
 * task to stop. Those that it has lost are not in the answer.
 */
export async function renewLeases(
  sql: Sql,
  worker: { readonly accountId: string; readonly id: number },
  leases: readonly LeaseRef[],
): Promise<RenewedLease[]> {
  if (leases.length === 0) return []
  return sql.query(renewSql, [
    worker.accountId,
    worker.id,
    leases.map(({ taskId }) => taskId),
    leases.map(({ fence }) => fence),
  ])
}

// The input may be large, and nobody needs it at an attempt's end.
const endColumns = `task.account_id, task.id, task.type, task.priority, NULL::jsonb AS input, task.labels, task.attempt, task.fence,
  task.worker_id, task.timeout_ms, task.lock_ms, task.retry, task.uncounted_losses, task.uncounted_attempts, NULL::jsonb AS checkpoint, task.started_at,
  task.remote`

const attemptSql = `
  SELECT ${endColumns}, task.status, worker.principal_id AS "principalId"
  FROM task LEFT JOIN worker ON worker.id = task.worker_id
  WHERE task.account_id = $1 AND task.id = $2`
const lockSql = `${attemptSql} FOR UPDATE OF task`

/** A task, and its current or last attempt. */
export interface LockedAttempt extends Attempt {
  readonly status: TaskStatus
  /** Of the worker that has the attempt; null when a process of ours has it. */
  readonly principalId: string | null
}

type LockedRow = AttemptRow & Pick<LockedAttempt, 'status' | 'principalId'>

/** Reads a task with its current or last attempt, without its input, and keeps others from changing it until the transaction ends. */
export async function lockAttempt(sql: Sql, accountId: string, taskId: string): Promise<LockedAttempt | undefined> {
  return toLocked(await sql.query<LockedRow>(lockSql, [accountId, taskId]))
}

/** Reads a task with its current or last attempt, without its input. */
export async function findAttempt(sql: Sql, accountId: string, taskId: string): Promise<LockedAttempt | undefined> {
  return toLocked(await sql.query<LockedRow>(attemptSql, [accountId, taskId]))
}

function toLocked([row]: readonly LockedRow[]): LockedAttempt | undefined {
  return row && { ...toAttempt(row), status: row.status, principalId: row.principalId }
}

const deleteSql = `
  DELETE FROM task_lease AS lease USING unnest($1::uuid[], $2::uuid[]) AS ended (account_id, task_id)
  WHERE lease.account_id = ended.account_id AND lease.task_id = ended.task_id`

/** Ends the leases of attempts. */
export async function deleteLeases(
  sql: Sql,
  attempts: readonly Pick<Attempt, 'accountId' | 'taskId'>[],
): Promise<void> {
  await sql.query(deleteSql, [attempts.map(({ accountId }) => accountId), attempts.map(({ taskId }) => taskId)])
}

const expiredSql = `
  SELECT ${endColumns}, lease.lease_ms AS "leaseMs", task.cancel_requested_at IS NOT NULL AS "isCancelRequested",
    task.started_at + ${timeLimit} <= clock_timestamp() AS "isTimedOut"
  FROM task_lease AS lease JOIN task ON task.account_id = lease.account_id AND task.id = lease.task_id
    AND task.fence = lease.fence AND task.status = 'ACTIVE'
  WHERE lease.until <= clock_timestamp() ORDER BY lease.until LIMIT $1 FOR UPDATE OF task SKIP LOCKED`

/** An attempt whose lease is over. */
export interface ExpiredAttempt extends Attempt {
  readonly leaseMs: number
  readonly isCancelRequested: boolean
  readonly isTimedOut: boolean
}

/** Up to `limit` attempts of remote workers whose leases are over; nobody else changes them until the transaction ends. */
export async function lockExpired(sql: Sql, limit: number): Promise<ExpiredAttempt[]> {
  type Row = AttemptRow & Pick<ExpiredAttempt, 'leaseMs' | 'isCancelRequested' | 'isTimedOut'>
  const rows = await sql.query<Row>(expiredSql, [limit])
  return rows.map(({ leaseMs, isCancelRequested, isTimedOut, ...row }) => ({
    ...toAttempt(row),
    leaseMs,
    isCancelRequested,
    isTimedOut,
  }))
}

const anyExpiredSql = 'SELECT 1 FROM task_lease WHERE until <= clock_timestamp() LIMIT 1'

export async function hasExpiredLeases(sql: Sql): Promise<boolean> {
  return (await sql.query(anyExpiredSql)).length > 0
}

const heldSql = `
  SELECT count(*)::int AS total, count(*) FILTER (WHERE task.priority = 'BATCH')::int AS batch
  FROM task_lease AS lease JOIN task ON task.account_id = lease.account_id AND task.id = lease.task_id
  WHERE lease.worker_id = $1`

/** How many leases a worker has, and how many of those are of batch tasks. */
export async function countLeases(
  sql: Sql,
  workerId: number,
): Promise<{ readonly total: number; readonly batch: number }> {
  const [row] = await sql.query<{ total: number; batch: number }>(heldSql, [workerId])
  return row ?? { total: 0, batch: 0 }
}

const countLinesSql = `
  UPDATE task_lease AS lease SET lines = lease.lines + asked.count
  FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::int[]) AS asked (account_id, task_id, fence, principal_id, count)
  JOIN task ON task.account_id = asked.account_id AND task.id = asked.task_id AND task.fence = asked.fence AND task.status = 'ACTIVE'
  JOIN worker ON worker.id = task.worker_id AND worker.principal_id = asked.principal_id
  WHERE lease.account_id = asked.account_id AND lease.task_id = asked.task_id AND lease.fence = asked.fence
  RETURNING ${progressColumns}, lease.lines, worker.principal_id AS "principalId", task.current_step AS step`

/** An attempt that reports, and how many log lines it has reported, these included. */
export interface ReportingAttempt extends ProgressingAttempt {
  readonly lines: number
  readonly principalId: string
  /** The step that it has come to. */
  readonly step: string | null
}

/**
 * Counts log lines that attempts report, each once, and keeps their leases until the transaction ends; those that do not
 * hold their task any more are not in the answer.
 */
export async function countReported(
  sql: Sql,
  reports: readonly (LeaseRef & {
    readonly accountId: string
    readonly principalId: string
    readonly lines: number
  })[],
): Promise<ReportingAttempt[]> {
  return sql.query(countLinesSql, [
    reports.map(({ accountId }) => accountId),
    reports.map(({ taskId }) => taskId),
    reports.map(({ fence }) => fence),
    reports.map(({ principalId }) => principalId),
    reports.map(({ lines }) => lines),
  ])
}
