import { type BatchWindow, batchWindowText } from './batch-window.ts'
import { type Priority, type TaskStatus, type WaitKind, waitKinds } from './task.ts'

/**
 * Why a task whose turn has come may not start yet: tasks that it depends on have not ended, somebody paused such tasks, too
 * many with its key run, its type has started enough, its account runs enough, tasks of other lanes of the account have
 * their turns before, or a remote worker is to claim it.
 */
export type HoldReason = 'DEPENDENCY' | 'PAUSED' | 'CONCURRENCY' | 'RATE' | 'QUOTA' | 'SHARE' | 'WORKER'

/**
 * Why a task waits. SLOT: every slot is taken, or it is about to start. SCHEDULE: it is not due yet. RETRY: an attempt
 * failed, and the next one is not due yet. WINDOW: BATCH tasks may not start at this time of day. NO_WORKER: no worker is
 * there that claims tasks of its type. EVENT, APPROVAL, TASK: it asked to
 * wait for that. The others say which limit holds it.
 */
export type WaitReason =
  | 'SLOT'
  | 'SCHEDULE'
  | 'RETRY'
  | 'WINDOW'
  | 'NO_WORKER'
  | Exclude<HoldReason, 'WORKER'>
  | Exclude<WaitKind, 'UNTIL'>

/** What a task's row says about its waiting. */
export interface WaitingRow {
  readonly accountId: string
  readonly id: string
  readonly type: string
  readonly status: TaskStatus
  readonly priority: Priority
  readonly attempt: number
  readonly createdAt: Date
  readonly runAt: Date
  readonly held: string | null
  readonly heldAt: Date | null
  readonly concurrencyKey: string | null
  /** The name of the event or the approval, or the id of the task, that it waits for. */
  readonly waitsFor: string | null
  readonly jobId: string
  /** When the attempt before ended; null before the first. */
  readonly lastFinishedAt: Date | null
}

export interface Waiting {
  readonly reason: WaitReason
  readonly since: Date
  readonly message: string
  readonly task: WaitingRow
}

/** Whether a task waits for a remote worker to claim it. */
export function waitsForWorker({ status, held }: Pick<WaitingRow, 'status' | 'held'>): boolean {
  return status === 'PENDING' && held === 'WORKER'
}

/** What is known of why tasks wait beside their rows. */
export interface WaitingFacts {
  /** While it is closed. */
  readonly batchWindow: BatchWindow | undefined
  /** A worker is there that claims tasks of its type. */
  readonly isServed: boolean
}

/** Why a task waits, and since when; undefined unless it does. */
export function waitingOf(task: WaitingRow, { batchWindow, isServed }: WaitingFacts): Waiting | undefined {
  if (task.status !== 'SCHEDULED' && task.status !== 'PENDING') return undefined
  const reason = waitsForWorker(task) && !isServed ? 'NO_WORKER' : reasonOf(task, batchWindow !== undefined)
  return { reason, since: sinceOf(task, reason), message: messageOf(task, reason, batchWindow), task }
}

function reasonOf({ status, held, lastFinishedAt, priority }: WaitingRow, isBatchClosed: boolean): WaitReason {
  if (held === 'DEPENDENCY') return held
  const wait = waitKinds.find((kind) => kind === held)
  if (status === 'SCHEDULED' && wait !== undefined) return wait === 'UNTIL' ? 'SCHEDULE' : wait
  if (status === 'SCHEDULED') return lastFinishedAt === null ? 'SCHEDULE' : 'RETRY'
  if (held !== null && held !== 'WORKER' && wait === undefined) return held as Exclude<HoldReason, 'WORKER'>
  return priority === 'BATCH' && isBatchClosed ? 'WINDOW' : 'SLOT'
}

function sinceOf({ createdAt, runAt, heldAt, lastFinishedAt }: WaitingRow, reason: WaitReason): Date {
  if (reason === 'SCHEDULE') return heldAt ?? createdAt
  if (reason === 'RETRY') return lastFinishedAt ?? createdAt
  return heldAt ?? runAt
}

function messageOf(
  { runAt, priority, type, concurrencyKey, held, waitsFor }: WaitingRow,
  reason: WaitReason,
  batchWindow: BatchWindow | undefined,
): string {
  switch (reason) {
    case 'SLOT':
      return held === 'WORKER'
        ? `It is waiting for a remote worker with a free slot for tasks of the type "${type}".`
        : `It is waiting for a free slot for ${priority} tasks.`
    case 'NO_WORKER':
      return `No worker that claims tasks of the type "${type}" is connected.`
    case 'SCHEDULE':
      return `It is due at ${runAt.toISOString()}.`
    case 'RETRY':
      return `Its last attempt failed; the next one is due at ${runAt.toISOString()}.`
    case 'WINDOW':
      return `BATCH tasks start at ${batchWindow && batchWindowText(batchWindow)} only.`
    case 'DEPENDENCY':
      return 'Tasks that it depends on have not ended yet.'
    case 'EVENT':
      return `It is waiting for the event "${waitsFor}" until ${runAt.toISOString()}.`
    case 'APPROVAL':
      return `It is waiting for the approval "${waitsFor}" until ${runAt.toISOString()}.`
    case 'TASK':
      return `It is waiting for task ${waitsFor} until ${runAt.toISOString()}.`
    case 'PAUSED':
      return 'Its priority, its type or its concurrency key is paused.'
    case 'CONCURRENCY':
      return `As many tasks with the concurrency key "${concurrencyKey}" are running as may run at once.`
    case 'RATE':
      return 'As many tasks of its type have started as its rate limit allows.'
    case 'SHARE':
      return 'Tasks of the account with other fairness keys, or with a higher rank, have their turns before it.'
    case 'QUOTA':
      return 'The account is running as many tasks as its quota allows.'
  }
}
