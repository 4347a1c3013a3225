import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import type { Clock } from '#lib/clock.ts'
import { InvalidInput, invalidItem, invalidValue } from '#lib/errors.ts'
import { isId, newId } from '#lib/ids.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Journal } from '#platform/journal/journal.ts'
import { toPosition } from '#platform/journal/store.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { TaskAlreadyEnded, TaskNotFound, TaskNotRetryable, TaskPartNotFound } from './errors.ts'
import { type TaskEventData, taskEvent } from './events.ts'
import { queueOf } from './jobs.ts'
import type { ProgressBoard } from './progress-board.ts'
import { cancelRequested, retried, type Transition } from './state-machine.ts'
import { deleteLogs, findPart, readPart } from './store/output.ts'
import { type QueueState, readQueueStates, readQueueTimes } from './store/queues.ts'
import {
  findKeyHolders,
  findTaskState,
  type LockedTask,
  lockTask,
  type NewTask,
  reopenTask,
  requestCancel,
} from './store/tasks.ts'
import { planTask, type Submission } from './submission.ts'
import type { Submitted, Submitter } from './submitter.ts'
import { type Priority, priorities } from './task.ts'
import type { TaskType, TaskTypes } from './task-type.ts'
import { followTask, followTasks, type TaskFeedFilter, type TaskUpdate } from './updates.ts'

export interface TaskServiceDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  readonly journal: Journal
  readonly board: ProgressBoard
  readonly types: TaskTypes
  readonly clock: Clock
  readonly submitter: Submitter
  readonly quotas: Pick<QuotaService, 'hold'>
  /** Called when a task starts to wait, as a hint to the dispatcher. */
  readonly onWaiting: (priority: Priority, due: 'now' | 'later') => void
}

/** Everything that can be done with tasks; the only way in for callers. */
export type TaskService = ReturnType<typeof createTaskService>
export type { Submission } from './submission.ts'

/** Most tasks in one `submitTasks`. */
const submitLimit = 1_000
const maxReasonLength = 500
/** Most bytes of a part in one read. */
const partReadLimit = 1024 * 1024

export interface QueueReport {
  readonly priority: Priority
  readonly waiting: number
  readonly scheduled: number
  readonly active: number
  readonly oldestWaitMs: number | null
}

export interface Percentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export function createTaskService(deps: TaskServiceDeps) {
  const { sql, transact, queue, journal, board, types, clock, submitter, quotas, onWaiting } = deps

  /**
   * Submits one task; returns once it is committed.
   * @throws {UnknownTaskType} @throws {InvalidInput} @throws {TaskKeyReused} @throws {QuotaExceeded}
   */
  async function submit(caller: Caller, request: Submission): Promise<Submitted> {
    caller.must('tasks:write', request.type)
    const task = planTask(caller, request, types, clock.now())
    return withinQuota(caller, [task], () => submitter.submitOne(task))
  }

  /** Submits up to 1,000 tasks, all or none. @throws as {@link submit}; issues are headed by the task's place. */
  async function submitAll(caller: Caller, requests: readonly Submission[]): Promise<Submitted[]> {
    const tasks = planAll(caller, requests)
    return withinQuota(caller, tasks, () => submitter.submitAll(tasks))
  }

  /**
   * As {@link submitAll}, in one commit with what else `work` does in its own transaction: `submit` is called there, at
   * most once in each try of it, and answers with the tasks' ids.
   */
  async function submitWithin<Result>(
    caller: Caller,
    requests: readonly Submission[],
    work: (submit: (tx: Transaction) => Promise<readonly string[]>) => Promise<Result>,
  ): Promise<Result> {
    const tasks = planAll(caller, requests)
    let announce: (() => void) | undefined
    const result = await withinQuota(caller, tasks, () =>
      work(async (tx) => {
        if (tasks.length === 0) return []
        const written = await submitter.submitIn(tx, tasks)
        announce = written.announce
        return written.submitted.map(({ taskId }) => taskId)
      }),
    )
    announce?.()
    return result
  }

  function planAll(caller: Caller, requests: readonly Submission[]): NewTask[] {
    for (const { type } of requests) caller.must('tasks:write', type)
    if (requests.length > submitLimit)
      throw new InvalidInput(`At most ${submitLimit} tasks can be submitted together; there are ${requests.length}.`)
    return requests.map((request, index) => planAt(caller, request, index))
  }

  /** Whether every task's idempotency key is taken, so that none would be new: a repeated request gets its original response. */
  async function areRepeated(tasks: readonly NewTask[]): Promise<boolean> {
    if (tasks.some(({ idempotencyKey }) => idempotencyKey === undefined)) return false
    return (await findKeyHolders(sql, tasks)).size === tasks.length
  }

  /** Does what writes these tasks, if the account has room for them, or all of them were written before. */
  async function withinQuota<Result>(
    { accountId }: Caller,
    tasks: readonly NewTask[],
    write: () => Promise<Result>,
  ): Promise<Result> {
    const storedBytes = tasks.reduce((sum, task) => sum + task.storedBytes, 0)
    const release = await quotas
      .hold(accountId, { waitingTasks: tasks.length, storedBytes })
      .catch(async (error: unknown) => {
        if (!quotas.isExceeded(error) || !(await areRepeated(tasks))) throw error
        return () => undefined
      })
    return write().finally(release)
  }

  function planAt(caller: Caller, request: Submission, index: number) {
    try {
      return planTask(caller, request, types, clock.now())
    } catch (error) {
      throw error instanceof InvalidInput ? invalidItem(`Task ${index}`, `tasks.${index}`, error) : error
    }
  }

  /**
   * Asks a task to stop: one that waits ends at once, one that runs is stopped, killed if need be after its grace period.
   * Asking again changes nothing. @throws {TaskNotFound} @throws {TaskAlreadyEnded}
   */
  async function cancel(caller: Caller, id: string, reason: string | undefined): Promise<string> {
    caller.must('tasks:write')
    if (reason !== undefined && reason.length > maxReasonLength)
      throw invalidValue('The reason', 'reason', `may have at most ${maxReasonLength} characters`)
    if (!isStorable(reason)) throw invalidValue('The reason', 'reason', unstorable)
    await transact(async (tx) => {
      const task = await lock(tx, caller, id)
      const transition = cancelRequested(task.status)
      if (transition === undefined) throw new TaskAlreadyEnded(id, task.status)
      if (task.cancelRequestedAt !== null) return
      await requestCancel(tx, caller.accountId, id, transition, reason ?? null)
      note(tx, caller, task, transition, { ...(reason !== undefined && { reason }) })
    })
    return id
  }

  /** Gives a task that failed or was cancelled one more attempt. @throws {TaskNotFound} @throws {TaskNotRetryable} @throws {QuotaExceeded} */
  async function retry(caller: Caller, id: string): Promise<string> {
    caller.must('tasks:write')
    const release = await quotas.hold(caller.accountId, { waitingTasks: 1 })
    const reopened = transact(async (tx) => {
      const task = await lock(tx, caller, id)
      const transition = retried(task)
      if (transition === undefined) throw new TaskNotRetryable(id, task.status)
      const jobId = newId()
      await reopenTask(tx, caller.accountId, id, transition, jobId)
      await queue.send(tx, [
        { queue: queueOf[task.priority], id: jobId, data: { accountId: caller.accountId, taskId: id } },
      ])
      note(tx, caller, task, transition)
      return task.priority
    })
    const priority = await reopened.finally(release)
    onWaiting(priority, 'now')
    return id
  }

  async function lock(tx: Transaction, caller: Caller, id: string): Promise<LockedTask> {
    const task = isId(id) ? await lockTask(tx, caller.accountId, id) : undefined
    if (task === undefined || !caller.can('tasks:read', task.type)) throw new TaskNotFound(id)
    caller.must('tasks:write', task.type)
    return task
  }

  function note(
    tx: Transaction,
    caller: Caller,
    task: LockedTask,
    { event, status }: Pick<Transition, 'event' | 'status'>,
    more: Pick<TaskEventData, 'reason' | 'lines'> = {},
  ): void {
    const { accountId, id: taskId, type, priority, labels, attempt } = task
    const data = { type, priority, labels, status, attempt, ...more }
    tx.journal(taskEvent(event, { accountId, taskId }, caller.by(), data))
  }

  /** Deletes a task's log lines, also from what streams can still repeat; returns how many. @throws {TaskNotFound} */
  async function removeLogs(caller: Caller, id: string): Promise<number> {
    caller.must('tasks:write')
    return transact(async (tx) => {
      const task = await lock(tx, caller, id)
      const lines = await deleteLogs(tx, caller.accountId, task.id)
      note(tx, caller, task, { event: 'task.logs_deleted', status: task.status }, { lines })
      return lines
    })
  }

  /** Up to 1 MiB of a part, also while it is being written. @throws {TaskPartNotFound} @throws {InvalidInput} */
  async function readPartBytes(caller: Caller, taskId: string, name: string, from: number, length: number) {
    caller.must('tasks:read')
    if (from < 0 || length < 1 || length > partReadLimit)
      throw new InvalidInput(`offset must be at least 0, and length 1 to ${partReadLimit}.`)
    await mustSee(caller, taskId)
    const part = isId(taskId) ? await findPart(sql, caller.accountId, taskId, name) : undefined
    if (part === undefined) throw new TaskPartNotFound(taskId, name)
    return readPart(sql, { accountId: caller.accountId, contentId: part.contentId }, from, from + length)
  }

  /** What waits and runs now, for each priority. */
  async function queues(caller: Caller): Promise<QueueReport[]> {
    caller.must('tasks:read')
    return byPriority(await readQueueStates(sql, caller.accountId))
  }

  /** How long recent tasks waited and ran, in milliseconds; empty for a priority without recent ones. */
  async function queueTimes(caller: Caller): Promise<Map<Priority, { wait: Percentiles; run: Percentiles }>> {
    caller.must('tasks:read')
    const rows = await readQueueTimes(sql, caller.accountId)
    return new Map(rows.map((row) => [row.priority, { wait: percentiles(row.wait), run: percentiles(row.run) }]))
  }

  /** @throws {TaskNotFound} when the caller's rights don't reach tasks of its type. */
  async function mustSee(caller: Caller, taskId: string): Promise<void> {
    if (caller.mustSomewhere('tasks:read') === undefined) return
    const task = isId(taskId) ? await findTaskState(sql, caller.accountId, taskId) : undefined
    if (task === undefined || !caller.can('tasks:read', task.type)) throw new TaskNotFound(taskId)
  }

  const updatesDeps = { journal, board, findState }

  async function findState(accountId: string, taskId: string) {
    const row = isId(taskId) ? await findTaskState(sql, accountId, taskId) : undefined
    if (row === undefined) return undefined
    const live = row.status === 'ACTIVE' ? board.find(taskId) : undefined
    const { status, attempt } = row
    const progress = live?.percent ?? row.progress
    const step = row.step ?? undefined
    return { status, attempt, progress, step, upTo: toPosition(row) }
  }

  /** @see followTask */
  async function updates(caller: Caller, id: string, after: string | undefined): Promise<AsyncGenerator<TaskUpdate>> {
    await mustSee(caller, id)
    return followTask(updatesDeps, caller.accountId, id, after)
  }

  /** @see followTasks */
  async function feed(
    caller: Caller,
    where: TaskFeedFilter,
    after: string | undefined,
  ): Promise<AsyncGenerator<TaskUpdate>> {
    caller.must('tasks:read')
    const isVisible = (type: string) => caller.can('tasks:read', type)
    return followTasks(updatesDeps, caller.accountId, { ...where, isVisible }, after)
  }

  /** What this server can do, by name. */
  function listTypes(caller: Caller): TaskType[] {
    caller.must('tasks:read')
    return types.list().filter(({ name }) => caller.can('tasks:read', name))
  }

  /** Progress of a running task in percent, newer than its row. */
  function liveProgress(taskId: string): number | undefined {
    return board.find(taskId)?.percent
  }

  return {
    submit,
    submitAll,
    submitWithin,
    cancel,
    retry,
    removeLogs,
    readPart: readPartBytes,
    queues,
    queueTimes,
    updates,
    feed,
    listTypes,
    liveProgress,
  }
}

/** One report for every priority, in order of urgency. */
export function byPriority(states: readonly QueueState[]): QueueReport[] {
  return priorities.map(
    (priority) =>
      states.find((state) => state.priority === priority) ?? {
        priority,
        waiting: 0,
        scheduled: 0,
        active: 0,
        oldestWaitMs: null,
      },
  )
}

function percentiles([p50, p95, p99]: readonly [number, number, number]): Percentiles {
  return { p50, p95, p99 }
}
