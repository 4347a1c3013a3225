import { storableJson, storableText } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { RetryPolicy } from './retry-plan.ts'
import type { Attempt, Priority, TaskStatus } from './task.ts'

/** A task to be written; ids are the caller's. */
export interface NewTask {
  readonly accountId: string
  readonly id: string
  readonly jobId: string
  readonly type: string
  readonly priority: Priority
  readonly input: unknown
  readonly labels: Readonly<Record<string, string>>
  readonly fairnessKey: string | undefined
  readonly idempotencyKey: string | undefined
  readonly requestHash: Uint8Array | undefined
  readonly timeoutMs: number
  readonly lockMs: number
  readonly retry: RetryPolicy
  readonly createdBy: Actor
  readonly status: 'SCHEDULED' | 'PENDING'
  /** At once when undefined. */
  readonly runAt: Date | undefined
}

const insertTasksSql = `
  INSERT INTO task (account_id, id, job_id, type, priority, status, input, labels, fairness_key, idempotency_key,
                    request_hash, timeout_ms, lock_ms, retry, created_by, run_at)
  SELECT account_id, id, job_id, type, priority::priority, status::task_status, input, labels, fairness_key,
         idempotency_key, request_hash, timeout_ms, lock_ms, retry, created_by, coalesce(run_at, now())
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[], $8::text[],
              $9::text[], $10::bytea[], $11::int[], $12::int[], $13::jsonb[], $14::jsonb[], $15::timestamptz[], $16::text[])
    AS new (account_id, id, job_id, type, priority, input, labels, fairness_key, idempotency_key, request_hash,
            timeout_ms, lock_ms, retry, created_by, run_at, status)
  ON CONFLICT DO NOTHING
  RETURNING id, created_at AS "createdAt", run_at AS "runAt"`

/** What the database decided about a new task. */
export interface Written {
  readonly id: string
  readonly createdAt: Date
  readonly runAt: Date
}

/** Writes tasks; those whose idempotency key is taken are left out of the answer. */
export async function insertTasks(sql: Sql, tasks: readonly NewTask[]): Promise<Map<string, Written>> {
  const rows = await sql.query<Written>(insertTasksSql, [
    tasks.map((task) => task.accountId),
    tasks.map((task) => task.id),
    tasks.map((task) => task.jobId),
    tasks.map((task) => task.type),
    tasks.map((task) => task.priority),
    tasks.map((task) => JSON.stringify(task.input)),
    tasks.map((task) => JSON.stringify(task.labels)),
    tasks.map((task) => task.fairnessKey ?? null),
    tasks.map((task) => task.idempotencyKey ?? null),
    tasks.map((task) => task.requestHash ?? null),
    tasks.map((task) => task.timeoutMs),
    tasks.map((task) => task.lockMs),
    tasks.map((task) => JSON.stringify(task.retry)),
    tasks.map((task) => JSON.stringify(task.createdBy)),
    tasks.map((task) => task.runAt ?? null),
    tasks.map((task) => task.status),
  ])
  return new Map(rows.map((row) => [row.id, row]))
}

export interface KeyHolder {
  readonly accountId: string
  readonly idempotencyKey: string
  readonly taskId: string
  readonly requestHash: Buffer | null
}

const keyHoldersSql = `
  SELECT task.account_id AS "accountId", task.idempotency_key AS "idempotencyKey", task.id AS "taskId",
         task.request_hash AS "requestHash"
  FROM unnest($1::uuid[], $2::text[]) AS asked (account_id, key)
  JOIN task ON task.account_id = asked.account_id AND task.idempotency_key = asked.key`

/** Which tasks hold these idempotency keys. */
export async function findKeyHolders(
  sql: Sql,
  keys: readonly { accountId: string; key: string }[],
): Promise<KeyHolder[]> {
  return sql.query(keyHoldersSql, [keys.map((one) => one.accountId), keys.map((one) => one.key)])
}

interface AttemptRow {
  account_id: string
  id: string
  type: string
  priority: Priority
  input: unknown
  labels: Record<string, string>
  attempt: number
  fence: number
  timeout_ms: number
  lock_ms: number
  retry: RetryPolicy
  started_at: Date
}

function toAttempt(row: AttemptRow): Attempt {
  return {
    accountId: row.account_id,
    taskId: row.id,
    type: row.type,
    priority: row.priority,
    input: row.input,
    labels: row.labels,
    number: row.attempt,
    fence: row.fence,
    timeoutMs: row.timeout_ms,
    lockMs: row.lock_ms,
    retry: row.retry,
    startedAt: row.started_at,
  }
}

const attemptColumns = `task.account_id, task.id, type, priority, input, labels, attempt, fence, timeout_ms, lock_ms, retry,
  started_at`

const claimSql = `
  UPDATE task SET status = 'ACTIVE', attempt = attempt + 1, fence = fence + 1, worker_id = $1, started_at = now(),
                  progress = 0, current_step = NULL
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS job (account_id, task_id, job_id)
  WHERE task.account_id = job.account_id AND task.id = job.task_id AND task.job_id = job.job_id
    AND task.status IN ('PENDING', 'SCHEDULED')
  RETURNING ${attemptColumns}`

export interface JobRef {
  readonly accountId: string
  readonly taskId: string
  readonly jobId: string
}

/** Starts the attempts that these jobs stand for; a job whose task doesn't wait for it any more has no part in the answer. */
export async function startAttempts(sql: Sql, workerId: number, jobs: readonly JobRef[]): Promise<Attempt[]> {
  const rows = await sql.query<AttemptRow>(claimSql, [
    workerId,
    jobs.map((job) => job.accountId),
    jobs.map((job) => job.taskId),
    jobs.map((job) => job.jobId),
  ])
  return rows.map(toAttempt)
}

/** How an attempt leaves its task. */
export interface Settlement {
  readonly accountId: string
  readonly taskId: string
  readonly fence: number
  readonly status: Exclude<TaskStatus, 'ACTIVE'>
  readonly result?: unknown
  readonly error?: unknown
  /** For another attempt: the job that stands for it, and after how long it is due. */
  readonly next?: { readonly jobId: string; readonly delayMs: number }
  /** Appended to the list of past attempts. */
  readonly pastAttempt?: unknown
  /** The attempt is taken back, as if it had not been made. */
  readonly uncounted?: boolean
}

const settleSql = `
  UPDATE task SET
    status = CASE WHEN cancel_requested_at IS NOT NULL AND s.status <> 'COMPLETED' THEN 'CANCELLED'
                  ELSE s.status::task_status END,
    result = s.result,
    error = s.error,
    progress = CASE s.status WHEN 'COMPLETED' THEN 100 ELSE progress END,
    finished_at = CASE WHEN s.job_id IS NULL OR cancel_requested_at IS NOT NULL THEN now() END,
    run_at = CASE WHEN s.job_id IS NULL THEN run_at ELSE now() + s.delay_ms * interval '1 millisecond' END,
    job_id = coalesce(s.job_id, task.job_id),
    attempt = attempt - s.uncounted,
    past_attempts = CASE WHEN s.past_attempt IS NULL THEN past_attempts ELSE past_attempts || s.past_attempt END,
    worker_id = NULL
  FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::jsonb[], $6::jsonb[], $7::uuid[], $8::bigint[],
              $9::jsonb[], $10::int[])
    AS s (account_id, task_id, fence, status, result, error, job_id, delay_ms, past_attempt, uncounted)
  WHERE task.account_id = s.account_id AND task.id = s.task_id AND task.fence = s.fence AND task.status = 'ACTIVE'
  RETURNING task.id, task.status, task.run_at AS "runAt", task.cancel_reason AS "cancelReason"`

export interface Settled {
  readonly id: string
  /** CANCELLED instead of failed or waiting again, when that was asked for in the meantime. */
  readonly status: TaskStatus
  readonly runAt: Date
  readonly cancelReason: string | null
}

/** Ends attempts; one whose fence is out of date has no effect and no part in the answer. */
export async function settleAttempts(sql: Sql, settlements: readonly Settlement[]): Promise<Settled[]> {
  const json = (value: unknown) => (value === undefined ? null : storableJson(value))
  return sql.query(settleSql, [
    settlements.map((one) => one.accountId),
    settlements.map((one) => one.taskId),
    settlements.map((one) => one.fence),
    settlements.map((one) => one.status),
    settlements.map((one) => json(one.result)),
    settlements.map((one) => json(one.error)),
    settlements.map((one) => one.next?.jobId ?? null),
    settlements.map((one) => one.next?.delayMs ?? 0),
    settlements.map((one) => json(one.pastAttempt)),
    settlements.map((one) => (one.uncounted ? 1 : 0)),
  ])
}

export interface LockedTask {
  readonly accountId: string
  readonly id: string
  readonly type: string
  readonly priority: Priority
  readonly status: TaskStatus
  readonly labels: Record<string, string>
  readonly attempt: number
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  readonly error: unknown
  readonly cancelRequestedAt: Date | null
}

const lockTaskSql = `
  SELECT account_id AS "accountId", id, type, priority, status, labels, attempt, started_at AS "startedAt",
         finished_at AS "finishedAt", error, cancel_requested_at AS "cancelRequestedAt"
  FROM task WHERE account_id = $1 AND id = $2 FOR UPDATE`

/** Reads a task and keeps others from changing it until the transaction ends. */
export async function lockTask(sql: Sql, accountId: string, id: string): Promise<LockedTask | undefined> {
  const [row] = await sql.query<LockedTask>(lockTaskSql, [accountId, id])
  return row
}

const taskStateSql = `
  SELECT status, progress::int AS progress, current_step AS step, attempt FROM task WHERE account_id = $1 AND id = $2`

export interface TaskStateRow {
  readonly status: TaskStatus
  readonly progress: number
  readonly step: string | null
  readonly attempt: number
}

export async function findTaskState(sql: Sql, accountId: string, id: string): Promise<TaskStateRow | undefined> {
  const [row] = await sql.query<TaskStateRow>(taskStateSql, [accountId, id])
  return row
}

const requestCancelSql = `
  UPDATE task SET cancel_requested_at = coalesce(cancel_requested_at, now()), cancel_reason = coalesce(cancel_reason, $3),
    status = CASE WHEN status = 'ACTIVE' THEN status ELSE 'CANCELLED' END,
    finished_at = CASE WHEN status = 'ACTIVE' THEN NULL ELSE now() END
  WHERE account_id = $1 AND id = $2`

/** Asks a task that runs to stop; ends one that waits. */
export async function requestCancel(sql: Sql, accountId: string, id: string, reason: string | null): Promise<void> {
  await sql.query(requestCancelSql, [accountId, id, reason])
}

const reopenSql = `
  UPDATE task SET status = 'PENDING', job_id = $3, run_at = now(), finished_at = NULL, result_expired = false, cancel_requested_at = NULL,
    cancel_reason = NULL, error = NULL, result = NULL, progress = 0, current_step = NULL,
    past_attempts = past_attempts || $4::jsonb
  WHERE account_id = $1 AND id = $2`

/** Lets a task that has ended wait for one more attempt. */
export async function reopenTask(
  sql: Sql,
  accountId: string,
  id: string,
  jobId: string,
  pastAttempts: readonly unknown[],
): Promise<void> {
  await sql.query(reopenSql, [accountId, id, jobId, storableJson(pastAttempts)])
}

const lostSql = `
  SELECT ${attemptColumns} FROM task WHERE status = 'ACTIVE' AND worker_id = ANY($1::int[])
  ORDER BY account_id, id LIMIT $2 FOR UPDATE SKIP LOCKED`

/** Attempts that these workers held, kept from others until the transaction ends. */
export async function lockAttemptsOf(sql: Sql, workerIds: readonly number[], limit: number): Promise<Attempt[]> {
  return (await sql.query<AttemptRow>(lostSql, [workerIds, limit])).map(toAttempt)
}

const holdersSql = `SELECT DISTINCT worker_id AS id FROM task WHERE status = 'ACTIVE' AND worker_id IS NOT NULL`

/** Workers that hold attempts. */
export async function findHolders(sql: Sql): Promise<number[]> {
  return (await sql.query<{ id: number }>(holdersSql)).map((row) => row.id)
}

const promoteSql = `UPDATE task SET status = 'PENDING' WHERE status = 'SCHEDULED' AND run_at <= now()`
const nextDueSql = `SELECT min(run_at) AS due, now() AS now FROM task WHERE status = 'SCHEDULED'`

/** Says PENDING of tasks whose time has come; returns after how many milliseconds the next one is due. */
export async function promoteDue(sql: Sql): Promise<number | undefined> {
  await sql.query(promoteSql)
  const [row] = await sql.query<{ due: Date | null; now: Date }>(nextDueSql)
  if (!row?.due) return undefined
  return Math.max(0, row.due.getTime() - row.now.getTime())
}

/** One line or step of a running attempt. */
export interface OutputLine {
  readonly accountId: string
  readonly taskId: string
  readonly fence: number
}

const heldSql = `
  SELECT task.account_id AS "accountId", task.id AS "taskId", task.fence
  FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS asked (account_id, task_id, fence)
  JOIN task ON task.account_id = asked.account_id AND task.id = asked.task_id
    AND task.fence = asked.fence AND task.status = 'ACTIVE'
  FOR SHARE OF task`

/** Which of these attempts still hold their task; they go on doing so until the transaction ends. */
export async function findHeld(sql: Sql, attempts: readonly OutputLine[]): Promise<OutputLine[]> {
  return sql.query(heldSql, [
    attempts.map((one) => one.accountId),
    attempts.map((one) => one.taskId),
    attempts.map((one) => one.fence),
  ])
}

const insertLogsSql = `
  INSERT INTO task_log (account_id, task_id, seq, attempt, at, message)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::int[], $5::timestamptz[], $6::text[])
  ON CONFLICT DO NOTHING`

export interface LogLine {
  readonly accountId: string
  readonly taskId: string
  readonly seq: bigint
  readonly attempt: number
  readonly at: Date
  readonly message: string
}

export async function insertLogs(sql: Sql, lines: readonly LogLine[]): Promise<void> {
  if (lines.length === 0) return
  await sql.query(insertLogsSql, [
    lines.map((line) => line.accountId),
    lines.map((line) => line.taskId),
    lines.map((line) => line.seq),
    lines.map((line) => line.attempt),
    lines.map((line) => line.at),
    lines.map((line) => storableText(line.message)),
  ])
}

const saveProgressSql = `
  UPDATE task SET progress = p.progress, current_step = coalesce(p.step, current_step)
  FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::text[]) AS p (account_id, task_id, fence, progress, step)
  WHERE task.account_id = p.account_id AND task.id = p.task_id AND task.fence = p.fence AND task.status = 'ACTIVE'`

export interface ProgressRow {
  readonly accountId: string
  readonly taskId: string
  readonly fence: number
  readonly percent: number
  readonly step: string | undefined
}

/** Keeps the latest progress of running attempts. */
export async function saveProgress(sql: Sql, rows: readonly ProgressRow[]): Promise<void> {
  if (rows.length === 0) return
  await sql.query(saveProgressSql, [
    rows.map((row) => row.accountId),
    rows.map((row) => row.taskId),
    rows.map((row) => row.fence),
    rows.map((row) => row.percent),
    rows.map((row) => (row.step === undefined ? null : storableText(row.step))),
  ])
}

const dropPartSql = 'DELETE FROM task_part WHERE account_id = $1 AND task_id = $2 AND name = $3'
const insertPartSql = `
  INSERT INTO task_part (account_id, task_id, name, content_id, attempt, content_type, size_bytes, complete)
  VALUES ($1, $2, $3, $4, $5, $6, 0, false)`

export interface NewPart {
  readonly accountId: string
  readonly taskId: string
  readonly name: string
  readonly contentId: string
  readonly attempt: number
  readonly contentType: string
}

/** Makes an empty part in the place of an earlier one of the same name. */
export async function insertPart(sql: Sql, part: NewPart): Promise<void> {
  await sql.query(dropPartSql, [part.accountId, part.taskId, part.name])
  await sql.query(insertPartSql, [
    part.accountId,
    part.taskId,
    part.name,
    part.contentId,
    part.attempt,
    part.contentType,
  ])
}

const insertChunkSql = 'INSERT INTO task_part_chunk (account_id, content_id, start, data) VALUES ($1, $2, $3, $4)'
const growPartSql = `UPDATE task_part SET size_bytes = $3, complete = $4 WHERE account_id = $1 AND content_id = $2`

/** Adds bytes at `start`, the part's present size; with `complete` nothing follows. */
export async function appendToPart(
  sql: Sql,
  part: { accountId: string; contentId: string },
  start: number,
  data: Uint8Array,
  complete: boolean,
): Promise<void> {
  if (data.length > 0) await sql.query(insertChunkSql, [part.accountId, part.contentId, start, data])
  await sql.query(growPartSql, [part.accountId, part.contentId, start + data.length, complete])
}

const readPartSql = `
  SELECT start, data FROM task_part_chunk
  WHERE account_id = $1 AND content_id = $2 AND start < $4
    AND start >= coalesce((SELECT max(start) FROM task_part_chunk WHERE account_id = $1 AND content_id = $2 AND start <= $3), 0)
  ORDER BY start`

/** The bytes from `from` up to, not including, `to`; fewer at the part's end. */
export async function readPart(
  sql: Sql,
  part: { accountId: string; contentId: string },
  from: number,
  to: number,
): Promise<Buffer> {
  const rows = await sql.query<{ start: number; data: Buffer }>(readPartSql, [part.accountId, part.contentId, from, to])
  return Buffer.concat(rows.map(({ start, data }) => data.subarray(Math.max(0, from - start), to - start)))
}

const findPartSql = `
  SELECT content_id AS "contentId", size_bytes AS "sizeBytes" FROM task_part
  WHERE account_id = $1 AND task_id = $2 AND name = $3`

export async function findPart(
  sql: Sql,
  accountId: string,
  taskId: string,
  name: string,
): Promise<{ contentId: string; sizeBytes: number } | undefined> {
  const [row] = await sql.query<{ contentId: string; sizeBytes: number }>(findPartSql, [accountId, taskId, name])
  return row
}

/** @returns how many lines were deleted. */
export async function deleteLogs(sql: Sql, accountId: string, taskId: string): Promise<number> {
  const rows = await sql.query<{ count: number }>(
    'WITH gone AS (DELETE FROM task_log WHERE account_id = $1 AND task_id = $2 RETURNING 1) SELECT count(*)::int AS count FROM gone',
    [accountId, taskId],
  )
  await sql.query(`DELETE FROM journal WHERE account_id = $1 AND subject = 'task:' || $2::text AND type = 'task.log'`, [
    accountId,
    taskId,
  ])
  return rows[0]?.count ?? 0
}

// By account, so that the index on account and status serves it also when all accounts are asked for.
const queueStatesSql = `
  SELECT open.priority, sum(open.waiting)::int AS waiting, sum(open.scheduled)::int AS scheduled,
         sum(open.active)::int AS active, max(open.oldest_wait_ms)::float8 AS "oldestWaitMs"
  FROM account CROSS JOIN LATERAL (
    SELECT priority, count(*) FILTER (WHERE status = 'PENDING') AS waiting,
           count(*) FILTER (WHERE status = 'SCHEDULED') AS scheduled,
           count(*) FILTER (WHERE status = 'ACTIVE') AS active,
           extract(epoch FROM now() - min(run_at) FILTER (WHERE status = 'PENDING')) * 1000 AS oldest_wait_ms
    FROM task WHERE task.account_id = account.id AND status IN ('PENDING', 'SCHEDULED', 'ACTIVE') GROUP BY priority
  ) AS open
  WHERE $1::uuid IS NULL OR account.id = $1 GROUP BY open.priority`

export interface QueueState {
  readonly priority: Priority
  readonly waiting: number
  readonly scheduled: number
  readonly active: number
  readonly oldestWaitMs: number | null
}

/** How many tasks wait and run, by priority; of one account, or of all. */
export async function readQueueStates(sql: Sql, accountId: string | undefined): Promise<QueueState[]> {
  return sql.query(queueStatesSql, [accountId ?? null])
}

const recentFailuresSql = `
  SELECT priority, count(*)::int AS count FROM task
  WHERE finished_at > now() - interval '1 hour' AND status = 'FAILED' GROUP BY priority`

/** How many tasks of all accounts have failed in the last hour, by priority. */
export async function readRecentFailures(sql: Sql): Promise<Map<Priority, number>> {
  const rows = await sql.query<{ priority: Priority; count: number }>(recentFailuresSql)
  return new Map(rows.map((row) => [row.priority, row.count]))
}

const queueTimesSql = `
  SELECT priority,
         percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - run_at) * 1000) AS wait,
         percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at) * 1000) AS run
  FROM (
    SELECT priority, run_at, started_at, finished_at FROM task
    WHERE account_id = $1 AND status = 'COMPLETED' ORDER BY id DESC LIMIT 2000
  ) AS recent GROUP BY priority`

export interface QueueTimes {
  readonly priority: Priority
  readonly wait: readonly [number, number, number]
  readonly run: readonly [number, number, number]
}

/** p50, p95 and p99 of waiting and running among the account's last 2,000 completed tasks, in milliseconds. */
export async function readQueueTimes(sql: Sql, accountId: string): Promise<QueueTimes[]> {
  return sql.query(queueTimesSql, [accountId])
}

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

/** Makes this process known as a worker; returns its number. */
export async function insertWorker(sql: Sql, host: string, pid: number): Promise<number> {
  const [row] = await sql.query<{ id: number }>('INSERT INTO worker (host, pid) VALUES ($1, $2) RETURNING id', [
    host,
    pid,
  ])
  if (row === undefined) throw new Error('The database gave the new worker no number.')
  return row.id
}
