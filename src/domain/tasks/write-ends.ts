import { newId } from '#lib/ids.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { By, NewEntry } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { AttemptLoss } from './attempt-loss.ts'
import { type EndedTask, settleDependents } from './dependents.ts'
import { taskEvent } from './events.ts'
import { freeKeys } from './held-tasks.ts'
import { ended, lost, type Transition } from './state-machine.ts'
import { type EndedAttempt, type SettledAttempt, settleAttempts } from './store/attempts.ts'
import { insertPastAttempts, type PastAttemptOfTask } from './store/past-attempts.ts'
import { type SuspendedTask, suspendTasks } from './store/waits.ts'
import type { Attempt, AttemptEnd, PastAttempt, Priority } from './task.ts'
import type { TaskError } from './task-error.ts'
import type { WaitedJob } from './turns.ts'
import { waitAgain } from './waiting-again.ts'

/** An attempt that runs no more. */
export interface ToSettle {
  readonly attempt: Attempt
  readonly end: AttemptEnd
  /** How far it had come, in percent; as it was last written when undefined. */
  readonly progress?: number | undefined
}

/** With what the ends of attempts are written. */
export interface EndWriter extends By {
  readonly tx: Transaction
  readonly queue: Queue
  readonly now: Date
}

/** What follows from the ends of attempts. */
export interface WrittenEnds {
  /** Where each leads its task; one whose fence is out of date changes nothing and leads where it would have led. */
  readonly transitions: readonly Transition[]
  /** Of tasks that waited for those that ended, or were held because of them, and wait in the queue now. */
  readonly released: ReadonlySet<Priority>
}

/**
 * Writes how attempts ended, the jobs of those that another attempt follows, and the journal's entries, and lets tasks
 * go that waited for their concurrency keys, or depend on those that ended.
 */
export async function writeEnds(writer: EndWriter, ends: readonly ToSettle[]): Promise<WrittenEnds> {
  const { tx, queue, now } = writer
  const rows = ends.map((end) => toRow(end, now))
  const settled = new Map((await settleAttempts(tx, rows)).map((one) => [one.id, one]))
  const suspended = await suspend(tx, rows, settled)
  const jobs: WaitedJob[] = []
  const past: PastAttemptOfTask[] = []
  const endedTasks: EndedTask[] = []
  const transitions = rows.map((row) => {
    const found = settled.get(row.attempt.taskId)
    const wait = suspended.get(row.attempt.taskId)
    const transition = found?.isCancelled ? row.ifCancelled : afterWait(row.transition, wait)
    if (found === undefined) return transition
    const written = { ...found, runAt: wait?.runAt ?? found.runAt }
    tx.journal(endEvent(row.attempt, transition, written, writer))
    if (transition.dueInMs !== undefined) jobs.push(jobOf(row, transition.dueInMs, written))
    if (written.dependents > 0)
      endedTasks.push({ ...row.attempt, status: transition.status, dependents: written.dependents })
    if (transition.pastAttempt !== undefined) past.push(pastAttemptOf(row, transition.pastAttempt))
    return transition
  })
  await insertPastAttempts(tx, past)
  await waitAgain(tx, queue, jobs)
  const freed = await freeKeys(tx, queue, [...settled.values()])
  const ready = await settleDependents({ tx, queue, by: { actor: writer.actor, origin: writer.origin } }, endedTasks)
  return { transitions, released: new Set([...freed, ...ready]) }
}

/**
 * Ends attempts that were lost, each with an entry that says so; returns the priorities of tasks that were held because
 * of them, and wait in the queue now.
 */
export async function writeLosses(writer: EndWriter, losses: readonly AttemptLoss[]): Promise<ReadonlySet<Priority>> {
  const { tx } = writer
  for (const { attempt, error } of losses) {
    const { type, priority, labels, number } = attempt
    const data = { type, priority, labels, attempt: number, status: lost.status, error: publicError(error) }
    tx.journal(taskEvent(lost.event, attempt, writer, data))
  }
  const { released } = await writeEnds(
    writer,
    losses.map(({ attempt, error }) => ({ attempt, end: { kind: 'failed', error } })),
  )
  return released
}

/** Lets tasks wait whose attempts say so; a statement more only where there are any. */
async function suspend(
  tx: Transaction,
  rows: readonly EndedAttempt[],
  settled: ReadonlyMap<string, SettledAttempt>,
): Promise<ReadonlyMap<string, SuspendedTask>> {
  const waiting = rows.flatMap(({ attempt: { accountId, taskId }, transition: { wait }, jobId = '' }) =>
    wait !== undefined && settled.get(taskId)?.isCancelled === false
      ? [{ accountId, taskId, jobId, key: wait.key }]
      : [],
  )
  if (waiting.length === 0) return new Map()
  return new Map((await suspendTasks(tx, waiting)).map((task) => [task.id, task]))
}

/** What a task waits for may have come before its attempt had ended. */
function afterWait(transition: Transition, wait: SuspendedTask | undefined): Transition {
  return wait?.isOver ? { ...transition, status: 'PENDING', dueInMs: 0 } : transition
}

/** Both ways out; the database takes one, since only it knows whether somebody has asked the task to stop. */
function toRow({ attempt, end, progress }: ToSettle, now: Date): EndedAttempt {
  const at = { now, random: Math.random() }
  const transition = ended(attempt, end, at, false)
  return {
    attempt,
    transition,
    ifCancelled: ended(attempt, end, at, true),
    jobId: transition.dueInMs === undefined ? undefined : newId(),
    progress,
  }
}

function pastAttemptOf({ attempt: { accountId, taskId } }: EndedAttempt, past: PastAttempt): PastAttemptOfTask {
  return { accountId, taskId, ...past }
}

function jobOf({ attempt, jobId = '' }: EndedAttempt, dueInMs: number, { runAt }: SettledAttempt): WaitedJob {
  const { accountId, taskId, priority, isRemote } = attempt
  const startAfter = dueInMs > 0 ? runAt : undefined
  return { priority, id: jobId, data: { accountId, taskId }, startAfter, isRemote }
}

function endEvent(attempt: Attempt, transition: Transition, written: SettledAttempt, by: By): NewEntry {
  const { type, priority, labels, number } = attempt
  const { status, event, error, wait } = transition
  const data = {
    type,
    priority,
    labels,
    attempt: number,
    status,
    ...(error && { error: publicError(error) }),
    ...(wait !== undefined && { waiting: wait.kind, waitsFor: wait.name }),
    ...(wait?.kind === 'TASK' && { awaitedTask: wait.name }),
    ...(status === 'SCHEDULED' && { runAt: written.runAt.toISOString() }),
    ...(status === 'CANCELLED' && written.cancelReason !== null && { reason: written.cancelReason }),
  }
  return taskEvent(event, attempt, by, data)
}

/** Without its stack. */
function publicError({ code, message, retryable }: TaskError) {
  return { code, message, retryable }
}
