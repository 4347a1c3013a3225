import type { RetryPolicy } from '#domain/tasks/retry-plan.ts'
import { fellDue, started, type Transition } from '#domain/tasks/state-machine.ts'
import type { Attempt, Priority } from '#domain/tasks/task.ts'
import { storableJson } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { SilentWorker } from '#platform/work/worker-liveness.ts'

export interface AttemptRow {
  account_id: string
  id: string
  type: string
  priority: Priority
  input: unknown
  labels: Record<string, string>
  attempt: number
  fence: number
  worker_id: number
  timeout_ms: number
  lock_ms: number
  retry: RetryPolicy
  uncounted_losses: number
  uncounted_attempts: number
  checkpoint: unknown
  started_at: Date
  remote: boolean
}

export function toAttempt(row: AttemptRow): Attempt {
  return {
    accountId: row.account_id,
    taskId: row.id,
    type: row.type,
    priority: row.priority,
    input: row.input,
    labels: row.labels,
    number: row.attempt,
    fence: row.fence,
    workerId: row.worker_id,
    timeoutMs: row.timeout_ms,
    lockMs: row.lock_ms,
    retry: row.retry,
    uncountedLosses: row.uncounted_losses,
    uncountedAttempts: row.uncounted_attempts,
    checkpoint: row.checkpoint,
    startedAt: row.started_at,
    isRemote: row.remote,
  }
}

// A task that was never claimed before has no checkpoint.
const attemptColumns = `task.account_id, task.id, type, priority, input, labels, task.attempt, fence, worker_id, timeout_ms,
  lock_ms, retry, uncounted_losses, uncounted_attempts, started_at, remote,
  CASE WHEN fence > 1 THEN (
    SELECT value FROM task_checkpoint AS saved WHERE saved.account_id = task.account_id AND saved.task_id = task.id
  ) END AS checkpoint`

const claimSql = `
  UPDATE task SET status = '${started.status}', attempt = attempt + 1, fence = fence + 1, worker_id = $1, started_at = now(),
                  progress = 0, current_step = NULL, held = NULL, held_at = NULL, rate_reserved = false
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS job (account_id, task_id, job_id)
  WHERE task.account_id = job.account_id AND task.id = job.task_id AND task.job_id = job.job_id
    AND task.status IN ('PENDING', 'SCHEDULED')
    AND ($5 OR task.concurrency_key IS NULL AND task.type <> ALL($6::text[])
         AND task.account_id <> ALL($7::uuid[]))
  RETURNING ${attemptColumns}`

export interface JobRef {
  readonly accountId: string
  readonly taskId: string
  readonly jobId: string
}

/** Which tasks start: all, because they were checked before, or those that no limit applies to. */
export type Admission =
  | { readonly isChecked: true }
  | { readonly isChecked: false; readonly limitedTypes: readonly string[]; readonly pausingAccounts: readonly string[] }

/**
 * Starts the attempts that these jobs stand for; a job whose task doesn't wait for it any more, or is not admitted, has no
 * part in the answer.
 */
export async function startAttempts(
  sql: Sql,
  workerId: number,
  jobs: readonly JobRef[],
  admission: Admission,
): Promise<Attempt[]> {
  const rows = await sql.query<AttemptRow>(claimSql, [
    workerId,
    jobs.map((job) => job.accountId),
    jobs.map((job) => job.taskId),
    jobs.map((job) => job.jobId),
    admission.isChecked,
    admission.isChecked ? [] : admission.limitedTypes,
    admission.isChecked ? [] : admission.pausingAccounts,
  ])
  return rows.map(toAttempt)
}

/** An attempt that ended, and where that leads its task. */
export interface EndedAttempt {
  readonly attempt: Attempt
  readonly transition: Transition
  /** The same, where somebody has asked the task to stop. */
  readonly ifCancelled: Transition
  /** Of the job for another attempt, where the transition leads to one. */
  readonly jobId: string | undefined
  /** How far it had come, in percent; as it was last written when undefined. */
  readonly progress: number | undefined
}

// `IS NOT DISTINCT FROM` and not `=`: with the latter the planner may look tasks up by their worker. Under load the index
// on workers is full of dead rows, and a settlement then takes eight times as long.
const settleSql = `
  UPDATE task SET
    status = (CASE WHEN cancel_requested_at IS NULL THEN s.status ELSE s.if_cancelled END)::task_status,
    result = s.result,
    error = s.error,
    progress = CASE s.status WHEN 'COMPLETED' THEN 100 ELSE coalesce(s.progress, task.progress) END,
    finished_at = CASE WHEN s.job_id IS NULL OR cancel_requested_at IS NOT NULL THEN now() END,
    run_at = CASE WHEN s.job_id IS NULL THEN run_at ELSE now() + s.due_in_ms * interval '1 millisecond' END,
    job_id = coalesce(s.job_id, task.job_id),
    attempt = attempt - CASE WHEN cancel_requested_at IS NULL THEN s.undone ELSE 0 END,
    uncounted_attempts = uncounted_attempts + s.uncounted,
    uncounted_losses = uncounted_losses + s.uncounted_loss
  FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[], $8::uuid[],
              $9::bigint[], $10::int[], $11::int[], $12::int[], $13::int[], $14::int[])
    AS s (account_id, task_id, fence, status, if_cancelled, result, error, job_id, due_in_ms, undone,
          progress, held_by, uncounted_loss, uncounted)
  WHERE task.account_id = s.account_id AND task.id = s.task_id AND task.fence = s.fence AND task.status = 'ACTIVE'
    AND task.worker_id IS NOT DISTINCT FROM s.held_by
  RETURNING task.account_id AS "accountId", task.id, task.concurrency_key AS "concurrencyKey",
    cancel_requested_at IS NOT NULL AS "isCancelled", task.run_at AS "runAt",
    task.cancel_reason AS "cancelReason", task.dependents`

export interface SettledAttempt {
  readonly accountId: string
  /** Of the task. */
  readonly id: string
  readonly concurrencyKey: string | null
  /** Somebody has asked the task to stop. */
  readonly isCancelled: boolean
  readonly runAt: Date
  readonly cancelReason: string | null
  /** How many tasks depend on it. */
  readonly dependents: number
}

/** Ends attempts; one whose fence is out of date has no effect and no part in the answer. */
export async function settleAttempts(sql: Sql, ended: readonly EndedAttempt[]): Promise<SettledAttempt[]> {
  const json = (value: unknown) => (value === undefined ? null : storableJson(value))
  return sql.query(settleSql, [
    ended.map(({ attempt }) => attempt.accountId),
    ended.map(({ attempt }) => attempt.taskId),
    ended.map(({ attempt }) => attempt.fence),
    ended.map(({ transition }) => transition.status),
    ended.map(({ ifCancelled }) => ifCancelled.status),
    ended.map(({ transition }) => json(transition.result)),
    ended.map(({ transition }) => json(transition.error)),
    ended.map(({ jobId }) => jobId ?? null),
    ended.map(({ transition }) => transition.dueInMs ?? 0),
    ended.map(({ transition }) => (transition.isUndone ? 1 : 0)),
    ended.map(({ progress }) => progress ?? null),
    ended.map(({ attempt }) => attempt.workerId),
    ended.map(({ transition }) => (transition.isUncountedLoss ? 1 : 0)),
    ended.map(({ transition }) => (transition.isUncounted ? 1 : 0)),
  ])
}

const lostSql = `
  SELECT ${attemptColumns}, silent_ms AS "silentMs"
  FROM task JOIN unnest($1::int[], $2::float8[]) AS worker (id, silent_ms) ON worker_id = worker.id
  WHERE status = 'ACTIVE' AND (silent_ms IS NULL OR silent_ms >= lock_ms::float8 + $3
    OR started_at + (timeout_ms::float8 + $4) * interval '1 millisecond' <= now())
  ORDER BY account_id, task.id LIMIT $5 FOR UPDATE OF task SKIP LOCKED`

/** An attempt whose worker gives no sign of life. */
export interface LostAttempt extends Attempt {
  /** For how long not, in milliseconds; undefined when the worker is dead. */
  readonly silentMs: number | undefined
}

/**
 * Attempts that these workers hold and have lost, kept from others until the transaction ends: all of a dead one's, and
 * of a silent one those whose `lockMs` or `timeoutMs` is over, each with an allowance.
 */
export async function lockLostAttempts(
  sql: Sql,
  workers: readonly SilentWorker[],
  allowed: { readonly lockMs: number; readonly timeoutMs: number },
  limit: number,
): Promise<LostAttempt[]> {
  const rows = await sql.query<AttemptRow & { silentMs: number | null }>(lostSql, [
    workers.map(({ id }) => id),
    workers.map(({ silentMs }) => silentMs ?? null),
    allowed.lockMs,
    allowed.timeoutMs,
    limit,
  ])
  return rows.map((row) => ({ ...toAttempt(row), silentMs: row.silentMs ?? undefined }))
}

const ownSql = `SELECT ${attemptColumns} FROM task WHERE status = 'ACTIVE' AND worker_id = $1`

/** Attempts that a worker holds by the database's account. */
export async function findAttemptsOf(sql: Sql, workerId: number): Promise<Attempt[]> {
  return (await sql.query<AttemptRow>(ownSql, [workerId])).map(toAttempt)
}

const holdersSql = `SELECT DISTINCT worker_id AS id FROM task WHERE status = 'ACTIVE' AND NOT remote`

/** Processes that hold attempts. */
export async function findHolders(sql: Sql): Promise<number[]> {
  return (await sql.query<{ id: number }>(holdersSql)).map((row) => row.id)
}

const promoteSql = `
  WITH due AS (
    SELECT account_id, id FROM task WHERE status = 'SCHEDULED' AND run_at <= now()
    ORDER BY run_at LIMIT $1 FOR UPDATE SKIP LOCKED
  )
  UPDATE task SET status = '${fellDue.status}' FROM due WHERE task.account_id = due.account_id AND task.id = due.id
  RETURNING task.account_id AS "accountId", task.id AS "taskId", type, priority, labels, attempt`

/** A task whose time has come. */
export interface DueTask {
  readonly accountId: string
  readonly taskId: string
  readonly type: string
  readonly priority: Priority
  readonly labels: Record<string, string>
  readonly attempt: number
}

/** Lets up to `limit` tasks wait for a slot whose time has come; none that somebody else is about to start. */
export async function promoteDue(sql: Sql, limit: number): Promise<DueTask[]> {
  return sql.query<DueTask>(promoteSql, [limit])
}

const nextDueSql = `SELECT min(run_at) AS due, now() AS now FROM task WHERE status = 'SCHEDULED'`

/** After how many milliseconds the next task is due; undefined when none will be. */
export async function readTaskDueMs(sql: Sql): Promise<number | undefined> {
  const [row] = await sql.query<{ due: Date | null; now: Date }>(nextDueSql)
  if (!row?.due) return undefined
  return Math.max(0, row.due.getTime() - row.now.getTime())
}
