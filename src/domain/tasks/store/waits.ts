import type { WaitOutcome } from '#domain/tasks/durable/protocol.ts'
import { type OpenWait, type Priority, type TaskStatus, waitKinds } from '#domain/tasks/task.ts'
import { storableJson } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { JobRef } from './attempts.ts'
import type { TaskKey } from './steps.ts'

/** A wait of a task as it is kept. */
export interface WaitRow extends OpenWait {
  readonly maySubmitterDecide: boolean
  readonly deadline: Date
  /** Its deadline has passed; it may have ended before. */
  readonly isDue: boolean
  readonly endedAt: Date | null
  readonly outcome: WaitOutcome['outcome'] | null
  readonly value: unknown
  readonly endedBy: Actor | null
  readonly comment: string | null
}

const columns = `key, kind, name, may_submitter_decide AS "maySubmitterDecide", deadline, deadline <= now() AS "isDue",
  ended_at AS "endedAt", outcome, value, ended_by AS "endedBy", comment`

const findSql = `SELECT ${columns} FROM task_wait WHERE account_id = $1 AND task_id = $2 AND key = $3`

export async function findWait(sql: Sql, { accountId, taskId }: TaskKey, key: string): Promise<WaitRow | undefined> {
  return (await sql.query<WaitRow>(findSql, [accountId, taskId, key]))[0]
}

const latestSql = `
  SELECT ${columns} FROM task_wait WHERE account_id = $1 AND task_id = $2 AND kind = $3
  ORDER BY started_at DESC, key DESC LIMIT 1`

/** The wait of a kind that a task began last. */
export async function findLatestWait(
  sql: Sql,
  { accountId, taskId }: TaskKey,
  kind: OpenWait['kind'],
): Promise<WaitRow | undefined> {
  return (await sql.query<WaitRow>(latestSql, [accountId, taskId, kind]))[0]
}

const countSql = 'SELECT count(*)::int AS count FROM task_wait WHERE account_id = $1 AND task_id = $2'

export async function countWaits(sql: Sql, { accountId, taskId }: TaskKey): Promise<number> {
  return (await sql.query<{ count: number }>(countSql, [accountId, taskId]))[0]?.count ?? 0
}

/** A wait that begins. */
export interface NewWait extends OpenWait {
  readonly awaitedTaskId: string | undefined
  readonly maySubmitterDecide: boolean
  readonly attempt: number
  readonly timeoutMs: number
}

const insertSql = `
  INSERT INTO task_wait (account_id, task_id, key, kind, name, awaited_task_id, may_submitter_decide, attempt, deadline)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9::float8 * interval '1 millisecond') RETURNING ${columns}`

export async function insertWait(sql: Sql, { accountId, taskId }: TaskKey, wait: NewWait): Promise<WaitRow> {
  const { key, kind, name, awaitedTaskId, maySubmitterDecide, attempt, timeoutMs } = wait
  const values = [accountId, taskId, key, kind, name, awaitedTaskId ?? null, maySubmitterDecide, attempt, timeoutMs]
  return (await sql.query<WaitRow>(insertSql, values))[0] as WaitRow
}

const endSql = `
  UPDATE task_wait SET ended_at = now(), outcome = $4, value = $5, ended_by = $6, comment = $7
  WHERE account_id = $1 AND task_id = $2 AND key = $3 AND ended_at IS NULL RETURNING ${columns}`

/** Ends a wait, which must be open. */
export async function endWait(
  sql: Sql,
  { accountId, taskId }: TaskKey,
  key: string,
  end: Pick<WaitOutcome, 'outcome'> & Partial<WaitOutcome>,
): Promise<WaitRow> {
  const { outcome, value, by, comment = null } = end
  const values = [accountId, taskId, key, outcome, storableJson(value ?? null), by ? JSON.stringify(by) : null, comment]
  const [ended] = await sql.query<WaitRow>(endSql, values)
  if (ended === undefined) throw new Error(`The wait ${key} of task ${taskId} has ended before.`)
  return ended
}

const forgetSql = `
  DELETE FROM task_wait WHERE account_id = $1 AND task_id = $2 AND (ended_at IS NULL OR outcome IN ('REJECTED', 'TIMED_OUT'))`

/** Forgets waits that have brought nothing, so that somebody who retries the task does not get the same answer again. */
export async function forgetFailedWaits(sql: Sql, { accountId, taskId }: TaskKey): Promise<void> {
  await sql.query(forgetSql, [accountId, taskId])
}

const forgetStepsSql = 'DELETE FROM task_step WHERE account_id = $1 AND task_id = $2'
const forgetWaitsSql = 'DELETE FROM task_wait WHERE account_id = $1 AND task_id = $2'

/** Forgets all steps and waits of a task: with another input they would not be the same. */
export async function forgetAllDone(sql: Sql, { accountId, taskId }: TaskKey): Promise<void> {
  await sql.query(forgetStepsSql, [accountId, taskId])
  await sql.query(forgetWaitsSql, [accountId, taskId])
}

const awaitedSql = `
  SELECT type, status, result, error FROM task WHERE account_id = $1 AND id = $2`

/** A task that another one waits for. */
export interface AwaitedRow {
  readonly type: string
  readonly status: TaskStatus
  readonly result: unknown
  readonly error: { readonly code: string; readonly message: string } | null
}

export async function findAwaited(sql: Sql, accountId: string, id: string): Promise<AwaitedRow | undefined> {
  return (await sql.query<AwaitedRow>(awaitedSql, [accountId, id]))[0]
}

/** The task that a wait is for has ended. */
const awaitedHasEnded = `EXISTS (
    SELECT 1 FROM task AS awaited WHERE awaited.account_id = wait.account_id AND awaited.id = wait.awaited_task_id
      AND awaited.status IN ('COMPLETED', 'FAILED', 'CANCELLED'))`

// In a statement of its own, after the task is locked: it sees what ended the wait until then.
const suspendSql = `
  UPDATE task SET
    status = (CASE WHEN found.is_over THEN 'PENDING' ELSE 'SCHEDULED' END)::task_status,
    run_at = CASE WHEN found.is_over THEN now() ELSE found.deadline END,
    held = CASE WHEN NOT found.is_over THEN found.kind END,
    held_at = CASE WHEN NOT found.is_over THEN now() END
  FROM (
    SELECT asked.account_id, asked.task_id, asked.job_id, wait.kind, wait.deadline,
           wait.ended_at IS NOT NULL OR wait.deadline <= now() OR ${awaitedHasEnded} AS is_over
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) AS asked (account_id, task_id, job_id, key)
    JOIN task_wait AS wait ON wait.account_id = asked.account_id AND wait.task_id = asked.task_id AND wait.key = asked.key
  ) AS found
  WHERE task.account_id = found.account_id AND task.id = found.task_id AND task.job_id = found.job_id
  RETURNING task.id, task.run_at AS "runAt", task.status = 'PENDING' AS "isOver"`

/** A task that waits from now on, or whose wait is over already. */
export interface SuspendedTask {
  readonly id: string
  readonly runAt: Date
  readonly isOver: boolean
}

/** Lets tasks whose attempts have just been settled wait until their waits end, at most until their deadlines. */
export async function suspendTasks(
  sql: Sql,
  tasks: readonly (JobRef & { readonly key: string })[],
): Promise<SuspendedTask[]> {
  return sql.query(suspendSql, [
    tasks.map(({ accountId }) => accountId),
    tasks.map(({ taskId }) => taskId),
    tasks.map(({ jobId }) => jobId),
    tasks.map(({ key }) => key),
  ])
}

const wakeSql = `
  UPDATE task SET status = 'PENDING', run_at = now(), held = NULL, held_at = NULL, job_id = woken.job_id
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS woken (account_id, id, job_id)
  WHERE task.account_id = woken.account_id AND task.id = woken.id AND task.status IN ('SCHEDULED', 'PENDING')
    AND task.held = ANY($4::text[])
  RETURNING task.account_id AS "accountId", task.id AS "taskId", task.job_id AS "jobId", task.type, task.priority,
    task.labels, task.attempt`

/** A task that continues. */
export interface WokenTask extends JobRef {
  readonly type: string
  readonly priority: Priority
  readonly labels: Readonly<Record<string, string>>
  readonly attempt: number
}

/** Lets tasks that wait continue with these jobs; the others are not in the answer. */
export async function wakeTasks(sql: Sql, tasks: readonly JobRef[]): Promise<WokenTask[]> {
  return sql.query(wakeSql, [
    tasks.map(({ accountId }) => accountId),
    tasks.map(({ taskId }) => taskId),
    tasks.map(({ jobId }) => jobId),
    waitKinds,
  ])
}

const awaitingSql = `
  SELECT account_id AS "accountId", task_id AS "taskId", awaited_task_id AS "awaitedTaskId", ${awaitedHasEnded} AS "isOver"
  FROM task_wait AS wait
  WHERE ended_at IS NULL AND awaited_task_id IS NOT NULL AND ($1::uuid[] IS NULL OR awaited_task_id = ANY($1))
  LIMIT $2`

/** A task that waits for another one. */
export interface AwaitingTask extends TaskKey {
  readonly awaitedTaskId: string
  /** Whether that one has ended. */
  readonly isOver: boolean
}

/** Tasks that wait for any of these tasks, or for any at all. */
export async function findAwaiting(
  sql: Sql,
  awaitedTaskIds: readonly string[] | undefined,
  limit: number,
): Promise<AwaitingTask[]> {
  return sql.query(awaitingSql, [awaitedTaskIds ?? null, limit])
}
