import { createBatcher } from '#lib/batcher.ts'
import type { AppError } from '#lib/errors.ts'
import { isRefusedData } from '#platform/database/refusal.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { IdempotencyKeyReused } from './errors.ts'
import { taskEvent } from './events.ts'
import { queueOf } from './jobs.ts'
import { findKeyHolders, insertTasks, type NewTask, type Written } from './store.ts'
import type { Priority, TaskStatus } from './task.ts'

/** What became of one submission: a new task, or the one that was made under the same idempotency key before. */
export interface Submitted {
  readonly taskId: string
  readonly deduplicated: boolean
  /** A new task as it was committed. */
  readonly task?: NewTask & Written
}

export interface SubmitterDeps {
  readonly transact: Transact
  readonly queue: Queue
  /** A task waits now, or will later: whoever dispatches should know. */
  readonly onWaiting: (priority: Priority, due: 'now' | 'later') => void
}

/** Most single submissions that share one commit, and most such commits under way. */
const groupSize = 500
const groupConcurrency = 2

/** Writes new tasks: row, journal entry and job in one transaction. */
export type Submitter = ReturnType<typeof createSubmitter>

export function createSubmitter({ transact, queue, onWaiting }: SubmitterDeps) {
  /** Commits tasks together; a refused one is an error in its place, and keeps nobody else from being written. */
  async function submitGroup(tasks: readonly NewTask[]): Promise<(Submitted | AppError)[]> {
    const { results, written } = await transact(async (tx) => {
      const written = await write(tx, tasks)
      return { written, results: await answers(tx, tasks, written) }
    })
    announce(tasks, written)
    return results
  }

  /** Commits all tasks or, when one is refused, none. @throws {IdempotencyKeyReused} */
  async function submitAll(tasks: readonly NewTask[]): Promise<Submitted[]> {
    const { results, written } = await transact(async (tx) => {
      const written = await write(tx, tasks)
      const results = (await answers(tx, tasks, written)).map(orThrow)
      return { written, results }
    })
    announce(tasks, written)
    return results
  }

  const inGroup = createBatcher<NewTask, Submitted | Error>({
    maxSize: groupSize,
    concurrency: groupConcurrency,
    run: (tasks) => submitGroup(tasks).catch((error: unknown) => submitApart(tasks, error)),
  })

  /** What the database refuses in one task must not keep the others of its group from being written. */
  async function submitApart(tasks: readonly NewTask[], error: unknown): Promise<(Submitted | Error)[]> {
    if (tasks.length === 1 || !isRefusedData(error)) throw error
    const each = tasks.map(async (task) => (await submitGroup([task]))[0])
    return (await Promise.allSettled(each)).map((one) => (one.status === 'fulfilled' ? one.value : one.reason))
  }

  /** Commits one task, together with whichever others arrive at the same time. @throws {IdempotencyKeyReused} */
  async function submitOne(task: NewTask): Promise<Submitted> {
    return orThrow(await inGroup(task))
  }

  async function write(tx: Transaction, tasks: readonly NewTask[]): Promise<Map<string, Written>> {
    const written = await insertTasks(tx, tasks)
    const fresh = tasks.filter((task) => written.has(task.id))
    await queue.send(tx, fresh.map(toJob))
    for (const task of fresh) tx.journal(submittedEvent(task, written.get(task.id)?.status ?? 'PENDING'))
    return written
  }

  function announce(tasks: readonly NewTask[], written: ReadonlyMap<string, Written>): void {
    const told = new Set<string>()
    for (const { id, priority } of tasks) {
      const status = written.get(id)?.status
      if (status === undefined || told.has(priority + status)) continue
      told.add(priority + status)
      onWaiting(priority, status === 'SCHEDULED' ? 'later' : 'now')
    }
  }

  return { submitOne, submitAll }
}

async function answers(
  tx: Transaction,
  tasks: readonly NewTask[],
  written: ReadonlyMap<string, Written>,
): Promise<(Submitted | AppError)[]> {
  const repeated = tasks.filter((task) => !written.has(task.id))
  const keys = repeated.map((task) => ({ accountId: task.accountId, key: task.idempotencyKey ?? '' }))
  const holders = keys.length === 0 ? [] : await findKeyHolders(tx, keys)
  const byKey = new Map(holders.map((holder) => [`${holder.accountId} ${holder.idempotencyKey}`, holder]))
  return tasks.map((task) => {
    const fresh = written.get(task.id)
    if (fresh !== undefined) return { taskId: task.id, deduplicated: false, task: { ...task, ...fresh } }
    const key = task.idempotencyKey ?? ''
    const holder = byKey.get(`${task.accountId} ${key}`)
    if (holder === undefined) throw new Error(`Task ${task.id} was neither written nor found by its idempotency key.`)
    const same = task.requestHash !== undefined && holder.requestHash?.equals(task.requestHash)
    return same ? { taskId: holder.taskId, deduplicated: true } : new IdempotencyKeyReused(key, holder.taskId)
  })
}

function orThrow(result: Submitted | Error): Submitted {
  if (result instanceof Error) throw result
  return result
}

function toJob(task: NewTask) {
  const { accountId, id: taskId, jobId, priority, runAt } = task
  return { queue: queueOf[priority], id: jobId, data: { accountId, taskId }, startAfter: runAt }
}

function submittedEvent(task: NewTask, status: TaskStatus) {
  const { accountId, id: taskId, createdBy, type, priority, labels } = task
  return taskEvent('task.submitted', { accountId, taskId }, createdBy, { type, priority, labels, status, attempt: 0 })
}
