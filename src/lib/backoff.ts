/** How waits grow from one failed attempt to the next. */
export interface Backoff {
  readonly growth: 'fixed' | 'linear' | 'exponential'
  /** The first wait, in milliseconds. */
  readonly delayMs: number
  /** The longest wait, in milliseconds. */
  readonly maxDelayMs: number
}

/** Doublings after which a wait is beyond every maximum, and still a safe integer. */
const maxDoublings = 30

/** Milliseconds to wait after attempt number `attempt`, counted from 1, has failed. */
export function backoffMs({ growth, delayMs, maxDelayMs }: Backoff, attempt: number): number {
  const factor = { fixed: 1, linear: attempt, exponential: 2 ** Math.min(attempt - 1, maxDoublings) }[growth]
  return Math.min(delayMs * factor, maxDelayMs)
}

/** The wait, changed by chance by up to `share` of it either way: what failed together does not come back together. */
export function jittered(waitMs: number, share: number, random: number): number {
  return waitMs + waitMs * share * (2 * random - 1)
}
