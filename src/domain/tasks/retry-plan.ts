import { type Backoff, backoffMs } from '#lib/backoff.ts'
import { isWorkerLost, type TaskError } from './task-error.ts'

/** When a failed attempt is followed by another, and after how long. */
export interface RetryPolicy {
  /** How many attempts there may be in all, 1 to 100. */
  readonly maxAttempts: number
  readonly backoff: Backoff['growth']
  /** Wait before the second attempt, in milliseconds. */
  readonly delayMs: number
  /** The longest wait, in milliseconds. */
  readonly maxDelayMs: number
  /** Each wait is shortened by a random share of at most this, 0 to 1, so that what failed together doesn't return together; default 0. */
  readonly jitter?: number | undefined
  /**
   * Another attempt follows only an error with one of these codes, or the loss of the worker; undefined: any error that
   * may be retried.
   */
  readonly retryOn?: readonly string[] | undefined
  /**
   * What an attempt whose worker was lost means: `fail`, it has failed like any other; `retry`, running again is safe, so
   * another follows at once, and it does not count, up to {@link maxUncountedLosses} times.
   */
  readonly onWorkerLost: OnWorkerLost
}

export type OnWorkerLost = 'fail' | 'retry'

/** So that a task which ends its worker each time it runs comes to an end itself. */
const maxUncountedLosses = 5

export const defaultRetryPolicy: RetryPolicy = {
  maxAttempts: 1,
  backoff: 'exponential',
  delayMs: 1_000,
  maxDelayMs: 3_600_000,
  onWorkerLost: 'fail',
}

/** Whether the loss of an attempt does not count, after so many that didn't. */
export function isUncountedLoss(policy: RetryPolicy, uncountedLosses: number): boolean {
  return policy.onWorkerLost === 'retry' && uncountedLosses < maxUncountedLosses
}

/** The longest wait that an error can ask for with `retryAfterMs`: a day. */
export const maxRetryAfterMs = 86_400_000

/**
 * Milliseconds to wait after counted attempt number `attempt` has failed with this error: none when its worker was lost,
 * since what the wait is for, such as a service that has to recover, has not failed; what the error asks for, where it
 * does; else as the policy says. `random` is at least 0 and below 1.
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, error: TaskError, random: number): number {
  if (isWorkerLost(error)) return 0
  if (error.retryAfterMs !== undefined) return error.retryAfterMs
  const waitMs = backoffMs({ growth: policy.backoff, ...policy }, attempt)
  return Math.round(waitMs * (1 - (policy.jitter ?? 0) * random))
}

/** Whether another attempt may follow counted attempt number `attempt`, which failed with this error. */
export function mayRetry({ maxAttempts, retryOn }: RetryPolicy, attempt: number, error: TaskError): boolean {
  const isListed = retryOn === undefined || retryOn.includes(error.code) || isWorkerLost(error)
  return error.retryable && isListed && attempt < maxAttempts
}
