import type { Caller } from '#domain/access/service.ts'
import type { Clock } from '#lib/clock.ts'
import { InvalidInput } from '#lib/errors.ts'
import { isId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Journal } from '#platform/journal/journal.ts'
import { toPosition } from '#platform/journal/store.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { type BatchWindow, isBatchOpen } from './batch-window.ts'
import { TaskNotFound, TaskPartNotFound } from './errors.ts'
import { listTypes } from './listed-type.ts'
import type { ProgressBoard } from './progress-board.ts'
import { byPriority, type Percentiles, type QueueReport } from './queue-report.ts'
import type { RegisteredTypes } from './remote/registered-types.ts'
import { findPart, readPart } from './store/output.ts'
import { readQueueStates, readQueueTimes, readRecentFailures } from './store/queues.ts'
import { findTaskState } from './store/tasks.ts'
import type { Priority } from './task.ts'
import type { TaskTypes } from './task-type.ts'
import { followTask, followTasks, type TaskFeedFilter, type TaskUpdate } from './updates.ts'
import { type Waiting, type WaitingRow, waitingOf } from './waiting.ts'
import { countAhead } from './waiting-order.ts'

export interface TaskReadsDeps {
  readonly sql: Sql
  readonly queue: Queue
  readonly journal: Journal
  readonly board: ProgressBoard
  readonly types: TaskTypes
  readonly registered: RegisteredTypes
  readonly clock: Clock
  /** When BATCH tasks may start; undefined: at any time. */
  readonly batchWindow: BatchWindow | undefined
}

/** The largest piece of a part in one read, in bytes. */
const partReadLimit = 1024 * 1024

/** What can be read of tasks, beyond what GraphQL selects from their rows. */
export function createTaskReads(deps: TaskReadsDeps) {
  const { sql, queue, journal, board, types, registered, clock, batchWindow } = deps
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

  /** Why a task waits, and since when; undefined unless it does. `isServed`: a remote worker is there for its type. */
  function waiting(row: WaitingRow, isServed: boolean): Waiting | undefined {
    return waitingOf(row, { batchWindow: isBatchOpen(batchWindow, clock.now()) ? undefined : batchWindow, isServed })
  }

  /** Progress of a running task in percent, newer than its row. */
  function liveProgress(taskId: string): number | undefined {
    return board.find(taskId)?.percent
  }

  /** What waits and runs now in all accounts, for those who watch over the installation. */
  async function queuesOfAll(): Promise<QueueReport[]> {
    return byPriority(await readQueueStates(sql, undefined))
  }

  return {
    readPart: readPartBytes,
    waiting,
    countAhead: (waiting: Waiting) => countAhead(sql, queue, waiting),
    queues,
    queueTimes,
    queuesOfAll,
    /** How many tasks of all accounts have failed in the last hour, by priority. */
    recentFailures: () => readRecentFailures(sql),
    updates,
    feed,
    listTypes: (caller: Caller) => listTypes({ types, registered }, caller),
    liveProgress,
  }
}

function percentiles([p50, p95, p99]: readonly [number, number, number]): Percentiles {
  return { p50, p95, p99 }
}
