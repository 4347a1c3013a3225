import { createBatcher } from '#lib/batcher.ts'
import type { AppError } from '#lib/errors.ts'
import { isRefusedData } from '#platform/database/refusal.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { TaskKeyReused } from './errors.ts'
import { taskEvent } from './events.ts'
import { findKeyHolders, insertTasks, type KeyHolder, type NewTask, type Written } from './store/tasks.ts'
import { isHashOf } from './submission.ts'
import type { Priority } from './task.ts'
import { enqueue } from './turns.ts'

/** The outcome of one submission: a new task, or the one created before under the same idempotency key. */
export interface Submitted {
  readonly taskId: string
  readonly deduplicated: boolean
  /** A new task as it was committed. */
  readonly task?: NewTask & Written
}

export interface SubmitterDeps {
  readonly transact: Transact
  readonly queue: Queue
  /** Called when a task starts to wait, now or later, as a hint to the dispatcher. */
  readonly onWaiting: (priority: Priority, due: 'now' | 'later') => void
}

/** Most single submissions that share one commit. */
const groupSize = 500

/** Writes new tasks: row, journal entry and job in one transaction. */
export type Submitter = ReturnType<typeof createSubmitter>

export function createSubmitter({ transact, queue, onWaiting }: SubmitterDeps) {
  /** Commits tasks together. A refused task is an error at its index and does not stop the others. */
  async function submitGroup(tasks: readonly NewTask[]): Promise<(Submitted | AppError)[]> {
    const outcome = await transact((tx) => write(tx, tasks))
    return settled(tasks, outcome)
  }

  /** Commits all tasks or, when one is refused, none. @throws {TaskKeyReused} */
  async function submitAll(tasks: readonly NewTask[]): Promise<Submitted[]> {
    const outcome = await transact(async (tx) => {
      const outcome = await write(tx, tasks)
      for (const answer of outcome.repeated.values()) orThrow(answer)
      return outcome
    })
    return (await settled(tasks, outcome)).map(orThrow)
  }

  /**
   * Writes all tasks, or throws, as a part of a larger transaction; `announce` is to be called once that is committed.
   * @throws {TaskKeyReused}
   */
  async function submitIn(
    tx: Transaction,
    tasks: readonly NewTask[],
  ): Promise<{ readonly submitted: readonly Submitted[]; readonly announce: () => void }> {
    const { inserting, repeated } = await write(tx, tasks)
    const written = await inserting
    const submitted = answers(tasks, written, repeated).map(orThrow)
    return { submitted, announce: () => announce(tasks, written) }
  }

  const inGroup = createBatcher<NewTask, Submitted | Error>({
    maxSize: groupSize,
    run: (tasks) => submitGroup(tasks).catch((error: unknown) => submitApart(tasks, error)),
  })

  /** What the database refuses in one task must not keep the others of its group from being written. */
  async function submitApart(tasks: readonly NewTask[], error: unknown): Promise<(Submitted | Error)[]> {
    if (tasks.length === 1 || !isRefusedData(error)) throw error
    const each = tasks.map(async (task) => (await submitGroup([task]))[0])
    return (await Promise.allSettled(each)).map((one) => (one.status === 'fulfilled' ? one.value : one.reason))
  }

  /** Commits one task, together with whichever others arrive at the same time. @throws {TaskKeyReused} */
  async function submitOne(task: NewTask): Promise<Submitted> {
    return orThrow(await inGroup(task))
  }

  async function write(tx: Transaction, tasks: readonly NewTask[]): Promise<Outcome> {
    const inserting = insertTasks(tx, tasks)
    tx.beside(inserting)
    const fresh = await freshOf(tasks, inserting)
    await enqueue(tx, queue, fresh)
    for (const task of fresh) tx.journal(submittedEvent(task))
    return { inserting, repeated: await answerRepeated(tx, tasks, fresh) }
  }

  /** The answers, once everything is committed and the dispatcher has been notified. */
  async function settled(
    tasks: readonly NewTask[],
    { inserting, repeated }: Outcome,
  ): Promise<(Submitted | AppError)[]> {
    const written = await inserting
    announce(tasks, written)
    return answers(tasks, written, repeated)
  }

  /** Notifies the dispatcher of the tasks that are new. */
  function announce(tasks: readonly NewTask[], written: ReadonlyMap<string, Written>): void {
    const waiting = new Map(
      tasks.filter(({ id }) => written.has(id)).map((task) => [task.priority + task.status, task]),
    )
    for (const { priority, status } of waiting.values()) onWaiting(priority, status === 'SCHEDULED' ? 'later' : 'now')
  }

  return { submitOne, submitAll, submitIn }
}

interface Outcome {
  readonly inserting: Promise<ReadonlyMap<string, Written>>
  /** Of tasks that were not written, because their idempotency key was taken. */
  readonly repeated: ReadonlyMap<string, Submitted | AppError>
}

/** The tasks that are really new. Without a key none can be refused, so nothing has to wait for the database's word. */
async function freshOf(
  tasks: readonly NewTask[],
  inserting: Promise<ReadonlyMap<string, Written>>,
): Promise<readonly NewTask[]> {
  if (tasks.every((task) => task.idempotencyKey === undefined)) return tasks
  const written = await inserting
  return tasks.filter((task) => written.has(task.id))
}

async function answerRepeated(
  tx: Transaction,
  tasks: readonly NewTask[],
  fresh: readonly NewTask[],
): Promise<Map<string, Submitted | AppError>> {
  if (fresh.length === tasks.length) return new Map()
  const isFresh = new Set(fresh.map((task) => task.id))
  const repeated = tasks.filter((task) => !isFresh.has(task.id))
  const holders = await findKeyHolders(tx, repeated)
  return new Map(repeated.map((task, place) => [task.id, answerFor(task, holders.get(place))]))
}

function answers(
  tasks: readonly NewTask[],
  written: ReadonlyMap<string, Written>,
  repeated: ReadonlyMap<string, Submitted | AppError>,
): (Submitted | AppError)[] {
  return tasks.map((task) => {
    const row = written.get(task.id)
    if (row !== undefined) return { taskId: task.id, deduplicated: false, task: { ...task, ...row } }
    const answer = repeated.get(task.id)
    if (answer === undefined) throw new Error(`Task ${task.id} was neither written nor known by its idempotency key.`)
    return answer
  })
}

function answerFor(task: NewTask, holder: KeyHolder | undefined): Submitted | AppError {
  if (holder === undefined) throw new Error(`Task ${task.id} was neither written nor found by its idempotency key.`)
  if (holder.requestHash && isHashOf(holder.requestHash, task.request))
    return { taskId: holder.taskId, deduplicated: true }
  return new TaskKeyReused(task.idempotencyKey ?? '', holder.taskId)
}

function orThrow(result: Submitted | Error): Submitted {
  if (result instanceof Error) throw result
  return result
}

function submittedEvent(task: NewTask) {
  const { accountId, id: taskId, by, type, priority, labels, status, rank } = task
  const data = { type, priority, labels, status, attempt: 0, ...(rank !== 0 && { rank }) }
  return taskEvent('task.submitted', { accountId, taskId }, by, data)
}
