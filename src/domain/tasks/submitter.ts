import { createBatcher } from '#lib/batcher.ts'
import { type AppError, InvalidInput, invalidItem } from '#lib/errors.ts'
import { isRefusedData } from '#platform/database/refusal.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { outcomeOf } from './dependencies.ts'
import { endSubmitted } from './dependents.ts'
import { TaskKeyReused } from './errors.ts'
import { taskEvent } from './events.ts'
import { type LinkedTasks, linkTasks, writeLinks } from './links.ts'
import {
  findKeyHolders,
  findSingletons,
  insertTasks,
  type KeyHolder,
  type NewTask,
  releaseExpiredKeys,
  type Written,
} from './store/tasks.ts'
import { isHashOf } from './submission.ts'
import type { Priority } from './task.ts'
import { enqueueNew } from './waiting-again.ts'

/** The outcome of one submission: a new task, or the one with the same idempotency key or singleton key. */
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
      for (const [index, { id }] of tasks.entries()) itemOrThrow(outcome.unwritten.get(id), index)
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
    const { inserting, unwritten } = await write(tx, tasks)
    const written = await inserting
    const submitted = answers(tasks, written, unwritten).map(
      (answer, index) => itemOrThrow(answer, index) ?? orThrow(answer),
    )
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
    const linked = await linkTasks(tx, tasks)
    const { fresh, inserting, unwritten } = await insertFresh(tx, tasks, linked)
    await writeLinks(tx, linked, fresh)
    await enqueueNew(
      tx,
      queue,
      fresh.filter(({ held }) => held !== 'DEPENDENCY'),
    )
    for (const task of fresh) tx.journal(submittedEvent(task))
    await endWhereFailed(tx, linked, fresh)
    return { inserting, unwritten }
  }

  /** What depends on a task that has failed already ends at once, as it would have if it had been submitted before. */
  async function endWhereFailed(
    tx: Transaction,
    { dependencies }: LinkedTasks,
    fresh: readonly NewTask[],
  ): Promise<void> {
    if (dependencies.length === 0) return
    const own = Map.groupBy(dependencies, ({ taskId }) => taskId)
    const ending = fresh.filter(({ id }) => ['fail', 'skip'].includes(outcomeOf(own.get(id) ?? []).kind))
    await endSubmitted({ tx, queue }, ending)
  }

  /** The answers, once everything is committed and the dispatcher has been notified. */
  async function settled(
    tasks: readonly NewTask[],
    { inserting, unwritten }: Outcome,
  ): Promise<(Submitted | AppError)[]> {
    const written = await inserting
    announce(tasks, written)
    return answers(tasks, written, unwritten)
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
  /** Of tasks that were not written: a key was taken, or what they are tied to does not allow it. */
  readonly unwritten: ReadonlyMap<string, Submitted | AppError>
}

/** A task whose key is given back and taken again and again while it is submitted is refused in the end. */
const maxInsertions = 10

/** Writes those tasks that are really new, and says what the others are answered with. */
async function insertFresh(
  tx: Transaction,
  tasks: readonly NewTask[],
  linked: LinkedTasks,
): Promise<Outcome & { readonly fresh: readonly NewTask[] }> {
  const inserting = insertTasks(tx, linked.accepted)
  tx.beside(inserting)
  // Without a key none can be left out, so nothing has to wait for the database's word.
  const isKeyed = ({ idempotencyKey, singletonKey }: NewTask) => (idempotencyKey ?? singletonKey) !== undefined
  if (linked.refused.size === 0 && !tasks.some(isKeyed))
    return { fresh: linked.accepted, inserting, unwritten: new Map() }
  const written = new Map(await inserting)
  const unwritten = new Map<string, Submitted | AppError>()
  for (let round = 0; round < maxInsertions; round += 1) {
    const left = tasks.filter(({ id }) => !written.has(id) && !unwritten.has(id))
    if (left.length === 0) break
    const answered = await answerUnwritten(tx, left, linked)
    for (const [id, answer] of answered) unwritten.set(id, answer)
    // The task that had the singleton key has ended since, or the time of an idempotency key was over.
    const freed = linked.accepted.filter(({ id }) => !written.has(id) && !unwritten.has(id))
    if (freed.length > 0) for (const [id, row] of await insertTasks(tx, freed)) written.set(id, row)
  }
  return { fresh: linked.accepted.filter(({ id }) => written.has(id)), inserting: Promise.resolve(written), unwritten }
}

/** The answers to tasks that were not written; none where a new one can be written by now. */
async function answerUnwritten(
  tx: Transaction,
  tasks: readonly NewTask[],
  { refused }: LinkedTasks,
): Promise<Map<string, Submitted | AppError>> {
  await releaseExpiredKeys(tx, tasks)
  const holders = await findKeyHolders(tx, tasks)
  const singletons = await findSingletons(tx, tasks)
  // A repeated request gets its original response, whatever has become of the tasks that it names.
  const answers = tasks.map((task, place) => {
    const holder = holders.get(place)
    if (holder !== undefined) return [task.id, answerFor(task, holder)] as const
    const taskId = singletons.get(place)
    return [
      task.id,
      refused.get(task.id) ?? (taskId === undefined ? undefined : { taskId, deduplicated: true }),
    ] as const
  })
  return new Map(answers.filter((answer): answer is [string, Submitted | AppError] => answer[1] !== undefined))
}

function answers(
  tasks: readonly NewTask[],
  written: ReadonlyMap<string, Written>,
  unwritten: ReadonlyMap<string, Submitted | AppError>,
): (Submitted | AppError)[] {
  return tasks.map((task) => {
    const row = written.get(task.id)
    if (row !== undefined)
      // What is tied to others may have gone on from where it was submitted.
      return { taskId: task.id, deduplicated: false, ...(task.links === undefined && { task: { ...task, ...row } }) }
    const answer = unwritten.get(task.id)
    if (answer === undefined) throw new Error(`Task ${task.id} was neither written nor known by its key.`)
    return answer
  })
}

function answerFor(task: NewTask, holder: KeyHolder): Submitted | AppError {
  if (holder.requestHash && isHashOf(holder.requestHash, task.request))
    return { taskId: holder.taskId, deduplicated: true }
  return new TaskKeyReused(task.idempotencyKey ?? '', holder.taskId)
}

function orThrow(result: Submitted | Error): Submitted {
  if (result instanceof Error) throw result
  return result
}

/** The refusal of one task of several names it. */
function itemOrThrow(answer: Submitted | Error | undefined, index: number): Submitted | undefined {
  if (answer instanceof InvalidInput) throw invalidItem(`Task ${index}`, `tasks.${index}`, answer)
  return answer === undefined ? undefined : orThrow(answer)
}

function submittedEvent(task: NewTask) {
  const { accountId, id: taskId, by, type, priority, labels, status, rank, links } = task
  const dependsOn = links?.dependsOn.map((dependency) => dependency.taskId) ?? []
  const data = {
    type,
    priority,
    labels,
    status,
    attempt: 0,
    ...(rank !== 0 && { rank }),
    ...(links?.parentId !== undefined && { parentId: links.parentId }),
    ...(dependsOn.length > 0 && { dependsOn }),
  }
  return taskEvent('task.submitted', { accountId, taskId }, by, data)
}
