import type { RetryPolicy } from './retry-plan.ts'
import { isWorkerLost, type TaskError } from './task-error.ts'

export const priorities = ['CRITICAL', 'NORMAL', 'BATCH'] as const
/** In which queue a task waits. */
export type Priority = (typeof priorities)[number]

export const taskStatuses = ['SCHEDULED', 'PENDING', 'ACTIVE', 'COMPLETED', 'FAILED', 'CANCELLED'] as const
export type TaskStatus = (typeof taskStatuses)[number]

/** One execution of a task, as the worker that holds it sees it. */
export interface Attempt {
  readonly accountId: string
  readonly taskId: string
  readonly type: string
  readonly priority: Priority
  readonly input: unknown
  readonly labels: Readonly<Record<string, string>>
  /** 1 for the first. */
  readonly number: number
  /** Grows with each claim of the task; what carries an older one is refused. */
  readonly fence: number
  /** Who holds it. After a failover that lost a claim, the next claim of another worker may have the same fence. */
  readonly workerId: number
  readonly timeoutMs: number
  /** How long the attempt may go without a sign of life. */
  readonly lockMs: number
  readonly retry: RetryPolicy
  /** How many of the attempts before were lost with their worker and don't count. */
  readonly uncountedLosses: number
  /** How many of the attempts before don't count against the retry policy, those lost included. */
  readonly uncountedAttempts: number
  /** What the attempts before have saved last; null when they have saved nothing. */
  readonly checkpoint: unknown
  readonly startedAt: Date
  /** Whether a remote worker runs it. */
  readonly isRemote: boolean
}

/**
 * Why an attempt was asked to stop: by its caller, because the server stops, because a CRITICAL task needs its slot,
 * because the task is no longer its own, or because the worker has been without the database for as long as its lease, so
 * that others take it soon.
 */
export type StopReason = 'cancelled' | 'released' | 'preempted' | 'lost' | 'expired'

/** What a task can wait for: a signal of a name, somebody's approval, a time, or the end of another task. */
export const waitKinds = ['EVENT', 'APPROVAL', 'UNTIL', 'TASK'] as const
export type WaitKind = (typeof waitKinds)[number]

/** A wait of a task that has not ended. */
export interface OpenWait {
  /** Unique within the task. */
  readonly key: string
  readonly kind: WaitKind
  /** Of TASK: the id of that task. */
  readonly name: string
}

/** How an attempt ended. */
export type AttemptEnd =
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: TaskError }
  /** Its task waits; another attempt continues it. */
  | { readonly kind: 'waiting'; readonly wait: OpenWait }
  /** It stopped because it was asked to, or was ended once its grace period was over. */
  | { readonly kind: 'stopped'; readonly by: StopReason; readonly isForced?: true }

/** What an attempt itself can say of its end. */
export type ReportedEnd = Exclude<AttemptEnd, { readonly kind: 'stopped' }>

/** Where an attempt is, or how it ended; LOST: with its worker, PREEMPTED: because a CRITICAL task needed its slot; WAITED: because the task waited for something. */
export type AttemptStatus = 'ACTIVE' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'LOST' | 'PREEMPTED' | 'WAITED'

/** What is kept of an attempt that is not the task's current or last one. */
export interface PastAttempt {
  readonly number: number
  readonly status: Exclude<AttemptStatus, 'ACTIVE' | 'COMPLETED'>
  /** Unknown for attempts that an older version recorded. */
  readonly workerId: number | null
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly error: TaskError | null
}

/** How an attempt that led its task to an end, or failed with this error, ended. */
export function attemptStatus(status: TaskStatus, error: Pick<TaskError, 'code'> | null): PastAttempt['status'] {
  if (status === 'CANCELLED') return 'CANCELLED'
  return error !== null && isWorkerLost(error) ? 'LOST' : 'FAILED'
}

const ended: ReadonlySet<TaskStatus> = new Set(['COMPLETED', 'FAILED', 'CANCELLED'])

/** Whether nothing more happens to a task in this status, unless somebody retries it. */
export function hasEnded(status: TaskStatus): boolean {
  return ended.has(status)
}
