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
}

export const defaultRetryPolicy: RetryPolicy = {
  maxAttempts: 1,
  backoff: 'exponential',
  delayMs: 1_000,
  maxDelayMs: 3_600_000,
}

/** Milliseconds to wait after attempt number `attempt` has failed; without jitter, so that it is predictable. */
export function retryDelayMs(policy: RetryPolicy, attempt: number): number {
  return backoffMs({ growth: policy.backoff, ...policy }, attempt)
}

/** Whether another attempt may follow attempt number `attempt`. */
export function mayRetry(policy: RetryPolicy, attempt: number): boolean {
  return attempt < policy.maxAttempts
}
