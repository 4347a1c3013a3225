/**
 * Where a task's next state is decided, and nowhere else: services, the settler and the SQL of `store/` write what these
 * functions return.
 *
 *     submitted → SCHEDULED or PENDING → started → ACTIVE → ended → COMPLETED, FAILED or CANCELLED
 *
 * An attempt that failed, was released or was preempted leads back to SCHEDULED or PENDING; so does `retried` from FAILED and CANCELLED.
 * An attempt that waits leads to SCHEDULED as well, and to PENDING as soon as that has come, or with the wait's deadline.
 * A SCHEDULED task whose time has come is started or, while there is no slot for it, becomes PENDING.
 */
import type { TaskEventType } from './events.ts'
import { isUncountedLoss, mayRetry, retryDelayMs } from './retry-plan.ts'
import {
  type Attempt,
  type AttemptEnd,
  attemptStatus,
  hasEnded,
  type OpenWait,
  type PastAttempt,
  type TaskStatus,
} from './task.ts'
import { cancelForced, isWorkerLost, type TaskError, workerLost } from './task-error.ts'

/** One step in a task's life: the status it leads to, the event that reports it, and what else it writes. */
export interface Transition {
  readonly status: TaskStatus
  readonly event: TaskEventType
  /** A job for another attempt is queued, due after so many milliseconds. */
  readonly dueInMs?: number
  readonly result?: unknown
  readonly error?: TaskError
  /** The attempt that ended, where another one follows it or may follow. */
  readonly pastAttempt?: PastAttempt
  /** What the task waits for. */
  readonly wait?: OpenWait
  /** The attempt's number is given to the next one: the server ended it before its time. */
  readonly isUndone?: true
  /** The attempt does not count against the retry policy. */
  readonly isUncounted?: true
  /** It was lost with its worker and does not count. */
  readonly isUncountedLoss?: true
}

/** A new task. */
export function submitted(
  runAt: Date | undefined,
  now: Date,
): Transition & { readonly status: 'SCHEDULED' | 'PENDING' } {
  const isLater = runAt !== undefined && runAt > now
  return { status: isLater ? 'SCHEDULED' : 'PENDING', event: 'task.submitted' }
}

/** The time of a task has come, and it waits for a slot. */
export const fellDue = { status: 'PENDING', event: 'task.due' } as const satisfies Transition

/** A worker has taken a task that waited. */
export const started = { status: 'ACTIVE', event: 'task.started' } as const satisfies Transition

/** Somebody asks the task to stop; undefined when it has ended. One that runs is stopped by its worker, and then ends. */
export function cancelRequested(status: TaskStatus): Transition | undefined {
  if (hasEnded(status)) return undefined
  return status === 'ACTIVE'
    ? { status: 'ACTIVE', event: 'task.cancel_requested' }
    : { status: 'CANCELLED', event: 'task.cancelled' }
}

/** What is known of a task's last attempt, when it has had one. */
export interface LastAttempt {
  readonly status: TaskStatus
  readonly attempt: number
  readonly workerId: number | null
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  readonly error: unknown
}

/** Somebody gives a task that failed or was cancelled one more attempt; undefined for any other. */
export function retried(task: LastAttempt): Transition | undefined {
  if (task.status !== 'FAILED' && task.status !== 'CANCELLED') return undefined
  const { attempt: number, workerId, startedAt, finishedAt } = task
  const transition = { status: 'PENDING', event: 'task.retried', dueInMs: 0 } as const
  if (startedAt === null || finishedAt === null || number === 0) return transition
  const error = task.error as TaskError | null
  const status = attemptStatus(task.status, error)
  return { ...transition, pastAttempt: { number, status, workerId, startedAt, finishedAt, error } }
}

/** An attempt was taken from a worker that gave no sign of life; its end follows as {@link ended}. */
export const lost = { status: 'ACTIVE', event: 'task.lost' } as const satisfies Transition

/**
 * An attempt has ended. A request to cancel that came meanwhile wins, unless the attempt has completed. `random`, at least
 * 0 and below 1, spreads retries.
 */
export function ended(
  attempt: Attempt,
  end: AttemptEnd,
  { now, random }: { readonly now: Date; readonly random: number },
  isCancelRequested: boolean,
): Transition {
  if (end.kind === 'completed') return { status: 'COMPLETED', event: 'task.completed', result: end.result }
  const error = errorOf(end)
  if (isCancelRequested || (end.kind === 'stopped' && end.by === 'cancelled'))
    return {
      status: 'CANCELLED',
      event: 'task.cancelled',
      ...(error && { error }),
      ...(end.kind === 'stopped' && end.isForced && { error: cancelForced }),
    }
  const past = { number: attempt.number, workerId: attempt.workerId, startedAt: attempt.startedAt, finishedAt: now }
  if (end.kind === 'waiting') {
    const waits = { event: 'task.waiting', dueInMs: unknownWaitMs, isUncounted: true, wait: end.wait } as const
    return { status: 'SCHEDULED', ...waits, pastAttempt: { ...past, status: 'WAITED', error: null } }
  }
  if (error === undefined) {
    if (end.kind !== 'stopped' || end.by !== 'preempted')
      return { status: 'PENDING', event: 'task.released', dueInMs: 0, isUndone: true }
    const pastAttempt = { ...past, status: 'PREEMPTED', error: null } as const
    return { status: 'PENDING', event: 'task.preempted', dueInMs: 0, isUncounted: true, pastAttempt }
  }
  const pastAttempt = { ...past, status: attemptStatus('FAILED', error), error }
  const again = { event: 'task.retried', error, pastAttempt } as const
  if (isWorkerLost(error) && isUncountedLoss(attempt.retry, attempt.uncountedLosses))
    return { ...again, status: 'PENDING', dueInMs: 0, isUncounted: true, isUncountedLoss: true }
  const counted = attempt.number - attempt.uncountedAttempts
  if (!mayRetry(attempt.retry, counted, error)) return { status: 'FAILED', event: 'task.failed', error }
  const dueInMs = retryDelayMs(attempt.retry, counted, error, random)
  return { ...again, status: dueInMs > 0 ? 'SCHEDULED' : 'PENDING', dueInMs }
}

/** The deadline of a wait decides when its task is due; this is for one that nothing is known of. */
const unknownWaitMs = 60_000

/** Undefined when nothing failed: the attempt waits, or stopped because it was asked to. */
function errorOf(end: Exclude<AttemptEnd, { kind: 'completed' }>): TaskError | undefined {
  if (end.kind === 'failed') return end.error
  return end.kind === 'stopped' && end.by === 'expired'
    ? workerLost('The process that ran the task lost the database.')
    : undefined
}
