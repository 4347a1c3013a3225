import type { TaskLinks } from '#domain/tasks/dependencies.ts'
import type { RetryPolicy } from '#domain/tasks/retry-plan.ts'
import type { Transition } from '#domain/tasks/state-machine.ts'
import type { Priority, TaskStatus } from '#domain/tasks/task.ts'
import type { HoldReason } from '#domain/tasks/waiting.ts'
import { idempotencyHours } from '#platform/database/idempotency.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Actor, By } from '#platform/journal/entry.ts'
import type { PositionRow } from '#platform/journal/store.ts'

/** A task to be written; ids are the caller's. */
export interface NewTask {
  readonly accountId: string
  readonly id: string
  readonly jobId: string
  readonly type: string
  readonly priority: Priority
  readonly input: unknown
  /** Of input and labels as JSON. */
  readonly storedBytes: number
  readonly labels: Readonly<Record<string, string>>
  readonly fairnessKey: string | undefined
  /** How many turns its lane gets where one of weight 1 gets one. */
  readonly fairnessWeight: number
  /** -100 to 100: within its lane, those with a higher one are first. */
  readonly rank: number
  readonly concurrencyKey: string | undefined
  /** Why it can't be claimed at once, though it is due. */
  readonly held: HoldReason | undefined
  /** At most one task of the account and type with the same key waits or runs. */
  readonly singletonKey: string | undefined
  readonly idempotencyKey: string | undefined
  /** Whose idempotency keys it has one of. */
  readonly principalId: string
  readonly requestHash: Uint8Array | undefined
  /** Everything that was requested; the hash covers it. */
  readonly request: object
  readonly timeoutMs: number
  readonly lockMs: number
  readonly retry: RetryPolicy
  readonly by: By
  /** Who submits it, whichever of their credentials they show; an approval may have to come from somebody else. */
  readonly submitterId: string
  readonly status: 'SCHEDULED' | 'PENDING'
  /** At once when undefined. */
  readonly runAt: Date | undefined
  /** What it depends on and is part of; undefined when nothing. */
  readonly links: TaskLinks | undefined
  /** Whether a remote worker runs it. */
  readonly isRemote: boolean
}

const insertTasksSql = `
  INSERT INTO task (account_id, id, job_id, type, priority, status, input, labels, fairness_key, idempotency_key,
                    request_hash, timeout_ms, lock_ms, retry, created_by, run_at, principal_id, concurrency_key, rank, held, held_at,
                    parent_id, fairness_weight, singleton_key, remote)
  SELECT account_id, id, job_id, type, priority::priority, status::task_status, input, labels, fairness_key,
         idempotency_key, request_hash, timeout_ms, lock_ms, retry, created_by, coalesce(run_at, now()), principal_id, concurrency_key, rank, held,
         CASE WHEN held IS NOT NULL THEN now() END, parent_id, fairness_weight, singleton_key, remote
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[], $8::text[],
              $9::text[], $10::bytea[], $11::int[], $12::int[], $13::jsonb[], $14::jsonb[], $15::timestamptz[], $16::text[],
              $17::text[], $18::text[], $19::int[], $20::text[], $21::uuid[], $22::int[],
              $23::text[], $24::bool[])
    AS new (account_id, id, job_id, type, priority, input, labels, fairness_key, idempotency_key, request_hash,
            timeout_ms, lock_ms, retry, created_by, run_at, status, principal_id, concurrency_key, rank, held,
            parent_id, fairness_weight, singleton_key, remote)
  ON CONFLICT DO NOTHING
  RETURNING id, created_at AS "createdAt", run_at AS "runAt"`

/** What the database decided about a new task. */
export interface Written {
  readonly id: string
  readonly createdAt: Date
  readonly runAt: Date
}

/** Writes tasks; those whose idempotency key or singleton key is taken are left out of the answer. */
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
    tasks.map(({ by: { actor }, submitterId }) =>
      JSON.stringify(submitterId === actor.id ? actor : { submitterId, ...actor }),
    ),
    tasks.map((task) => task.runAt ?? null),
    tasks.map((task) => task.status),
    tasks.map((task) => (task.idempotencyKey === undefined ? null : task.principalId)),
    tasks.map((task) => task.concurrencyKey ?? null),
    tasks.map((task) => task.rank),
    tasks.map((task) => task.held ?? null),
    tasks.map((task) => task.links?.parentId ?? null),
    tasks.map((task) => (task.held === 'DEPENDENCY' && task.fairnessWeight !== 1 ? task.fairnessWeight : null)),
    tasks.map((task) => task.singletonKey ?? null),
    tasks.map((task) => task.isRemote),
  ])
  return new Map(rows.map((row) => [row.id, row]))
}

export interface KeyHolder {
  readonly taskId: string
  readonly requestHash: Buffer | null
}

// A task that submits others may continue after days, and finds them by their keys.
const isKeyExpired = `(task.parent_id IS NULL AND task.created_at <= now() - ${idempotencyHours} * interval '1 hour')`

const keyHoldersSql = `
  SELECT asked.place::int - 1 AS place, task.id AS "taskId", task.request_hash AS "requestHash"
  FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS asked (account_id, principal_id, key, place)
  JOIN task ON task.account_id = asked.account_id AND task.principal_id = asked.principal_id
    AND task.idempotency_key = asked.key AND NOT ${isKeyExpired}`

/** The tasks that hold the idempotency keys of these, by the place of those in the list. */
export async function findKeyHolders(
  sql: Sql,
  tasks: readonly Pick<NewTask, 'accountId' | 'principalId' | 'idempotencyKey'>[],
): Promise<Map<number, KeyHolder>> {
  const rows = await sql.query<KeyHolder & { place: number }>(keyHoldersSql, [
    tasks.map((task) => task.accountId),
    tasks.map((task) => task.principalId),
    tasks.map((task) => task.idempotencyKey ?? null),
  ])
  return new Map(rows.map((row) => [row.place, row]))
}

const releaseKeysSql = `
  UPDATE task SET principal_id = NULL, request_hash = NULL
  FROM unnest($1::uuid[], $2::text[], $3::text[]) AS asked (account_id, principal_id, key)
  WHERE task.account_id = asked.account_id AND task.principal_id = asked.principal_id
    AND task.idempotency_key = asked.key AND ${isKeyExpired}`

/** Lets others have the idempotency keys of these whose time is over; the tasks that had them still show them. */
export async function releaseExpiredKeys(
  sql: Sql,
  tasks: readonly Pick<NewTask, 'accountId' | 'principalId' | 'idempotencyKey'>[],
): Promise<void> {
  const keyed = tasks.filter(({ idempotencyKey }) => idempotencyKey !== undefined)
  if (keyed.length === 0) return
  await sql.query(releaseKeysSql, [
    keyed.map((task) => task.accountId),
    keyed.map((task) => task.principalId),
    keyed.map((task) => task.idempotencyKey),
  ])
}

const singletonsSql = `
  SELECT asked.place::int - 1 AS place, task.id AS "taskId"
  FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS asked (account_id, type, key, place)
  JOIN task ON task.account_id = asked.account_id AND task.type = asked.type AND task.singleton_key = asked.key
    AND task.status IN ('SCHEDULED', 'PENDING', 'ACTIVE')`

/** The tasks that wait or run with the singleton keys of these, by the place of those in the list. */
export async function findSingletons(
  sql: Sql,
  tasks: readonly Pick<NewTask, 'accountId' | 'type' | 'singletonKey'>[],
): Promise<Map<number, string>> {
  if (tasks.every(({ singletonKey }) => singletonKey === undefined)) return new Map()
  const rows = await sql.query<{ place: number; taskId: string }>(singletonsSql, [
    tasks.map((task) => task.accountId),
    tasks.map((task) => task.type),
    tasks.map((task) => task.singletonKey ?? null),
  ])
  return new Map(rows.map(({ place, taskId }) => [place, taskId]))
}

/** Whether the database refuses a change because another task waits or runs with the same singleton key. */
export function isSingletonTaken(error: unknown): boolean {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown }
  return code === '23505' && constraint === 'task_singleton_idx'
}

export interface LockedTask {
  readonly accountId: string
  readonly id: string
  readonly type: string
  readonly priority: Priority
  readonly status: TaskStatus
  readonly labels: Record<string, string>
  readonly attempt: number
  readonly workerId: number | null
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  readonly error: unknown
  readonly cancelRequestedAt: Date | null
  /** How many tasks depend on it. */
  readonly dependents: number
  /** How many tasks are part of it. */
  readonly children: number
  readonly isRemote: boolean
  /** With the submitter's id where that is another than the actor's. */
  readonly createdBy: Actor & { readonly submitterId?: string }
}

const lockTasksSql = `
  SELECT account_id AS "accountId", id, type, priority, status, labels, attempt, worker_id AS "workerId", started_at AS "startedAt",
         finished_at AS "finishedAt", error, cancel_requested_at AS "cancelRequestedAt", dependents, children,
         remote AS "isRemote", created_by AS "createdBy"
  FROM task WHERE account_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR UPDATE`

/** Reads tasks and keeps others from changing them until the transaction ends. */
export async function lockTasks(sql: Sql, accountId: string, ids: readonly string[]): Promise<LockedTask[]> {
  return sql.query<LockedTask>(lockTasksSql, [accountId, ids])
}

/** As {@link lockTasks} for one task. */
export async function lockTask(sql: Sql, accountId: string, id: string): Promise<LockedTask | undefined> {
  return (await lockTasks(sql, accountId, [id]))[0]
}

const taskStateSql = `
  SELECT type, status, progress::int AS progress, current_step AS step, attempt, shown.xid, shown.seq
  FROM task, journal_end() AS shown WHERE account_id = $1 AND id = $2`

/** The position is that of the journal's last entry that is part of this state. */
export interface TaskStateRow extends PositionRow {
  readonly type: string
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
  UPDATE task SET cancel_requested_at = now(), cancel_reason = $4, status = asked.status::task_status,
    finished_at = CASE WHEN asked.status = 'CANCELLED' THEN now() END, held = NULL, held_at = NULL
  FROM unnest($2::uuid[], $3::text[]) AS asked (id, status)
  WHERE task.account_id = $1 AND task.id = asked.id`

/** Writes that somebody has asked tasks to stop, and where that leads them. */
export async function requestCancel(
  sql: Sql,
  accountId: string,
  tasks: readonly { readonly id: string; readonly status: TaskStatus }[],
  reason: string | null,
): Promise<void> {
  await sql.query(requestCancelSql, [accountId, tasks.map(({ id }) => id), tasks.map(({ status }) => status), reason])
}

const reopenSql = `
  UPDATE task SET status = $4::task_status, job_id = $3, run_at = now(), finished_at = NULL, result_expired = false, cancel_requested_at = NULL,
    cancel_acknowledged_at = NULL, cancel_reason = NULL, cancels_descendants = false, input = coalesce($6::jsonb, input), held = $5::text, held_at = CASE WHEN $5::text IS NOT NULL THEN now() END, error = NULL, result = NULL, progress = 0, current_step = NULL
  WHERE account_id = $1 AND id = $2`

/** How a task waits again. */
export interface Reopened {
  readonly jobId: string
  /** Why it does not wait for its job yet. */
  readonly held: HoldReason | undefined
  /** In the place of its own; undefined: its own. */
  readonly input: unknown
}

/** Writes where one more attempt leads a task that has ended. */
export async function reopenTask(
  sql: Sql,
  accountId: string,
  id: string,
  { status }: Transition,
  { jobId, held, input }: Reopened,
): Promise<void> {
  const json = input === undefined ? null : JSON.stringify(input)
  await sql.query(reopenSql, [accountId, id, jobId, status, held ?? null, json])
}
