import { type Backoff, backoffMs } from '#lib/backoff.ts'

/** When a failed attempt is followed by another, and after how long. */
export interface RetryPolicy {
  /** How many attempts there may be in all, 1 to 100. */
  readonly maxAttempts: number
  readonly backoff: Backoff['growth']
  /** Wait before the second attempt, in milliseconds. */
  readonly delayMs: number
  /** The longest wait, in milliseconds. */
  readonly maxDelayMs: number
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

/** Milliseconds to wait after counted attempt number `attempt` has failed; without jitter, so that it is predictable. */
export function retryDelayMs(policy: RetryPolicy, attempt: number): number {
  return backoffMs({ growth: policy.backoff, ...policy }, attempt)
}

/** Whether another attempt may follow counted attempt number `attempt`. */
export function mayRetry(policy: RetryPolicy, attempt: number): boolean {
  return attempt < policy.maxAttempts
}
