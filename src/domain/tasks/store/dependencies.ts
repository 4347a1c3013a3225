import type { Dependency } from '#domain/tasks/dependencies.ts'
import type { Priority, TaskStatus } from '#domain/tasks/task.ts'
import type { TaskError } from '#domain/tasks/task-error.ts'
import { storableJson } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { AttemptRef } from './output.ts'

/** A task by its key. */
export interface TaskRef {
  readonly accountId: string
  readonly taskId: string
}

/** What has to be known of a task that a new one names. */
export interface NamedTask extends TaskRef {
  readonly type: string
  readonly status: TaskStatus
  readonly isCancelRequested: boolean
  /** How many tasks were submitted that depend on it. */
  readonly dependents: number
  readonly children: number
  /** Length of the longest chain of tasks that still wait for each other up to this one; 0 when it waits for none. */
  readonly depth: number
}

// In this order, so that two transactions don't wait for each other.
const lockNamedSql = `
  SELECT task.account_id AS "accountId", task.id AS "taskId", task.type, task.status, task.dependents, task.children,
    task.cancel_requested_at IS NOT NULL AS "isCancelRequested",
    coalesce((SELECT max(depth) FROM task_dependency AS open
              WHERE open.account_id = task.account_id AND open.task_id = task.id AND open.status IS NULL), 0) AS depth
  FROM unnest($1::uuid[], $2::uuid[]) AS asked (account_id, id)
  JOIN task ON task.account_id = asked.account_id AND task.id = asked.id
  ORDER BY task.account_id, task.id FOR NO KEY UPDATE OF task`

/** Those of these tasks that exist, kept from ending and from being cancelled until the transaction ends. */
export async function lockNamed(sql: Sql, tasks: readonly TaskRef[]): Promise<NamedTask[]> {
  if (tasks.length === 0) return []
  return sql.query(lockNamedSql, [tasks.map(({ accountId }) => accountId), tasks.map(({ taskId }) => taskId)])
}

const lockAuthorSql = `
  SELECT created_by AS actor FROM task
  WHERE account_id = $1 AND id = $2 AND fence = $3 AND worker_id IS NOT DISTINCT FROM $4 AND status = 'ACTIVE'
  FOR NO KEY UPDATE`

/** Who submitted the task of an attempt, which holds it until the transaction ends; undefined when it does no longer. */
export async function lockAuthor(sql: Sql, attempt: AttemptRef): Promise<Actor | undefined> {
  const { accountId, taskId, fence, workerId } = attempt
  const [row] = await sql.query<{ actor: Actor }>(lockAuthorSql, [accountId, taskId, fence, workerId])
  return row?.actor
}

export interface Ancestor extends TaskRef {
  readonly ancestorId: string
}

const ancestorsSql = `
  WITH RECURSIVE line AS (
    SELECT asked.account_id, asked.id AS task_id, asked.id AS ancestor_id, 1 AS generation
    FROM unnest($1::uuid[], $2::uuid[]) AS asked (account_id, id)
    UNION ALL
    SELECT line.account_id, line.task_id, task.parent_id, generation + 1
    FROM line JOIN task ON task.account_id = line.account_id AND task.id = line.ancestor_id
    WHERE task.parent_id IS NOT NULL AND generation < $3
  ) SELECT account_id AS "accountId", task_id AS "taskId", ancestor_id AS "ancestorId" FROM line`

/** Each of these tasks with its ancestors, as far as they exist; up to `generations` in all. */
export async function findAncestors(sql: Sql, tasks: readonly TaskRef[], generations: number): Promise<Ancestor[]> {
  return sql.query(ancestorsSql, [
    tasks.map(({ accountId }) => accountId),
    tasks.map(({ taskId }) => taskId),
    generations,
  ])
}

const awaitedSql = `
  WITH RECURSIVE awaited AS (
    SELECT asked.account_id, asked.id AS task_id, asked.id AS awaited_id
    FROM unnest($1::uuid[], $2::uuid[]) AS asked (account_id, id)
    UNION
    SELECT awaited.account_id, awaited.task_id, dependency.depends_on_id
    FROM awaited JOIN task_dependency AS dependency
      ON dependency.account_id = awaited.account_id AND dependency.task_id = awaited.awaited_id AND dependency.status IS NULL
  ) SELECT account_id AS "accountId", task_id AS "taskId", awaited_id AS "ancestorId"
  FROM awaited WHERE awaited_id = ANY($3::uuid[])`

/** Which of the tasks named by `among` each of these tasks is, or waits for, directly or through others. */
export async function findAwaited(sql: Sql, tasks: readonly TaskRef[], among: readonly string[]): Promise<Ancestor[]> {
  return sql.query(awaitedSql, [tasks.map(({ accountId }) => accountId), tasks.map(({ taskId }) => taskId), among])
}

const countLinksSql = `
  UPDATE task SET dependents = task.dependents + added.dependents, children = task.children + added.children
  FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[]) AS added (account_id, id, dependents, children)
  WHERE task.account_id = added.account_id AND task.id = added.id`

/** How many new tasks name one. */
export interface LinkCount extends TaskRef {
  readonly dependents: number
  readonly children: number
}

/** Counts new dependents and children of tasks that {@link lockNamed} has locked. */
export async function countLinks(sql: Sql, added: readonly LinkCount[]): Promise<void> {
  if (added.length === 0) return
  await sql.query(countLinksSql, [
    added.map(({ accountId }) => accountId),
    added.map(({ taskId }) => taskId),
    added.map(({ dependents }) => dependents),
    added.map(({ children }) => children),
  ])
}

/** A dependency of a task. */
export interface DependencyOfTask extends TaskRef, Dependency {}

export interface NewDependency extends DependencyOfTask {
  readonly depth: number
}

const insertSql = `
  INSERT INTO task_dependency (account_id, task_id, depends_on_id, on_failure, status, depth)
  SELECT account_id, task_id, depends_on_id, on_failure, status::task_status, depth
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::int[])
    AS new (account_id, task_id, depends_on_id, on_failure, status, depth)
  ON CONFLICT (account_id, task_id, depends_on_id) DO UPDATE SET status = EXCLUDED.status, depth = EXCLUDED.depth`

/** Writes dependencies of tasks, or how the others ended by now. */
export async function saveDependencies(sql: Sql, dependencies: readonly NewDependency[]): Promise<void> {
  if (dependencies.length === 0) return
  await sql.query(insertSql, [
    dependencies.map(({ accountId }) => accountId),
    dependencies.map(({ taskId }) => taskId),
    dependencies.map(({ dependsOnId }) => dependsOnId),
    dependencies.map(({ onFailure }) => onFailure),
    dependencies.map(({ status }) => status),
    dependencies.map(({ depth }) => depth),
  ])
}

const noteEndedSql = `
  UPDATE task_dependency AS dependency SET status = ended.status::task_status
  FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS ended (account_id, id, status)
  WHERE dependency.account_id = ended.account_id AND dependency.depends_on_id = ended.id AND dependency.status IS NULL
  RETURNING dependency.account_id AS "accountId", dependency.task_id AS "taskId"`

/** Writes how tasks ended that others depend on; returns those others. */
export async function noteEnded(
  sql: Sql,
  ended: readonly (TaskRef & { readonly status: TaskStatus })[],
): Promise<TaskRef[]> {
  return sql.query(noteEndedSql, [
    ended.map(({ accountId }) => accountId),
    ended.map(({ taskId }) => taskId),
    ended.map(({ status }) => status),
  ])
}

/** A task that waits for others. */
export interface Dependent extends TaskRef {
  readonly jobId: string
  readonly type: string
  readonly priority: Priority
  readonly labels: Readonly<Record<string, string>>
  readonly attempt: number
  readonly fairnessKey: string | null
  readonly fairnessWeight: number | null
  readonly rank: number
  /** How many tasks depend on it in turn. */
  readonly dependents: number
  readonly runAt: Date
  readonly isDueLater: boolean
  readonly isRemote: boolean
}

const lockDependentsSql = `
  SELECT task.account_id AS "accountId", task.id AS "taskId", job_id AS "jobId", type, priority, labels, attempt,
    fairness_key AS "fairnessKey", fairness_weight AS "fairnessWeight", rank, dependents, run_at AS "runAt",
    run_at > now() AS "isDueLater", remote AS "isRemote"
  FROM (SELECT DISTINCT account_id, id FROM unnest($1::uuid[], $2::uuid[]) AS all_asked (account_id, id)) AS asked
  JOIN task ON task.account_id = asked.account_id AND task.id = asked.id
  WHERE held = 'DEPENDENCY' AND status IN ('PENDING', 'SCHEDULED')
  ORDER BY task.account_id, task.id FOR NO KEY UPDATE OF task`

/** Those of these tasks that wait for others; nobody else changes them until the transaction ends. */
export async function lockDependents(sql: Sql, tasks: readonly TaskRef[]): Promise<Dependent[]> {
  return sql.query(lockDependentsSql, [tasks.map(({ accountId }) => accountId), tasks.map(({ taskId }) => taskId)])
}

const ofTasksSql = `
  SELECT dependency.account_id AS "accountId", dependency.task_id AS "taskId", depends_on_id AS "dependsOnId",
    on_failure AS "onFailure", status
  FROM unnest($1::uuid[], $2::uuid[]) AS asked (account_id, id)
  JOIN task_dependency AS dependency ON dependency.account_id = asked.account_id AND dependency.task_id = asked.id
  ORDER BY depends_on_id`

/** The dependencies of these tasks. */
export async function readDependencies(sql: Sql, tasks: readonly TaskRef[]): Promise<DependencyOfTask[]> {
  return sql.query(ofTasksSql, [tasks.map(({ accountId }) => accountId), tasks.map(({ taskId }) => taskId)])
}

/** Where a task that waited for others goes from there. */
export interface DependentStep extends TaskRef {
  readonly status: TaskStatus
  /** SHARE when it waits in a lane now, WORKER when it waits for a remote worker. */
  readonly held: 'SHARE' | 'WORKER' | undefined
  readonly error: TaskError | undefined
  readonly cancelReason: string | undefined
}

const moveSql = `
  UPDATE task SET status = step.status::task_status, held = step.held, held_at = CASE WHEN step.held IS NOT NULL THEN now() END,
    run_at = greatest(run_at, now()), error = step.error, cancel_reason = step.cancel_reason,
    cancel_requested_at = CASE WHEN step.status = 'CANCELLED' THEN now() END,
    finished_at = CASE WHEN step.status IN ('FAILED', 'CANCELLED') THEN now() END
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::text[])
    AS step (account_id, id, status, held, error, cancel_reason)
  WHERE task.account_id = step.account_id AND task.id = step.id`

/** Writes where tasks go that {@link lockDependents} has locked. One that may start is due from now on. */
export async function moveDependents(sql: Sql, steps: readonly DependentStep[]): Promise<void> {
  await sql.query(moveSql, [
    steps.map(({ accountId }) => accountId),
    steps.map(({ taskId }) => taskId),
    steps.map(({ status }) => status),
    steps.map(({ held }) => held ?? null),
    steps.map(({ error }) => (error === undefined ? null : storableJson(error))),
    steps.map(({ cancelReason }) => cancelReason ?? null),
  ])
}

const countOpenSql = `
  SELECT count(*)::int AS count FROM task_dependency WHERE account_id = $1 AND task_id = $2 AND status IS NULL`

/** How many tasks one still waits for. */
export async function countOpenDependencies(sql: Sql, task: { accountId: string; id: string }): Promise<number> {
  const [row] = await sql.query<{ count: number }>(countOpenSql, [task.accountId, task.id])
  return row?.count ?? 0
}
