import { type Backoff, backoffMs, jittered } from '#lib/backoff.ts'

export const webhookBackoffs = ['FIXED', 'LINEAR', 'EXPONENTIAL', 'SCHEDULE'] as const
type WebhookBackoff = (typeof webhookBackoffs)[number]

const growthOf: Readonly<Record<Exclude<WebhookBackoff, 'SCHEDULE'>, Backoff['growth']>> = {
  FIXED: 'fixed',
  LINEAR: 'linear',
  EXPONENTIAL: 'exponential',
}

/** When a failed attempt is followed by another, and after how long. */
export interface RetryPlan {
  /** Attempts in all, 1 to 50. */
  readonly maxAttempts: number
  readonly backoff: WebhookBackoff
  /** Wait before the second attempt, in milliseconds. */
  readonly delayMs: number
  /** The longest wait, in milliseconds. */
  readonly maxDelayMs: number
  /** SCHEDULE: the waits in their order; the last one repeats. */
  readonly scheduleMs: readonly number[]
  /** Statuses after which another attempt may help; undefined: all but 2xx and 410. */
  readonly statusCodes: readonly number[] | undefined
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** Eight attempts over a day: soon after the first one, since most failures pass quickly, and then ever more seldom. */
export const defaultRetryPlan: RetryPlan = {
  maxAttempts: 8,
  backoff: 'SCHEDULE',
  delayMs: 5 * second,
  maxDelayMs: 8 * hour,
  scheduleMs: [5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 8 * hour, 8 * hour],
  statusCodes: undefined,
}

/** Waits lie within this part of what the plan says, so that what failed together doesn't come back together. */
const jitter = 0.2

/** Milliseconds to wait after attempt number `attempt` has failed; `random` is 0 to 1. */
export function waitMs(plan: RetryPlan, attempt: number, random: number, retryAfterMs?: number | undefined): number {
  const spread = jittered(plannedMs(plan, attempt), jitter, random)
  // A receiver that asks for more time gets it, but cannot delay a delivery for longer than its plan would.
  return Math.round(Math.min(Math.max(spread, retryAfterMs ?? 0), Math.max(plan.maxDelayMs, spread)))
}

function plannedMs({ backoff, delayMs, maxDelayMs, scheduleMs }: RetryPlan, attempt: number): number {
  if (backoff === 'SCHEDULE')
    return Math.min(scheduleMs[Math.min(attempt, scheduleMs.length) - 1] ?? delayMs, maxDelayMs)
  return backoffMs({ growth: growthOf[backoff], delayMs, maxDelayMs }, attempt)
}
