import { type Backoff, backoffMs } from '#lib/backoff.ts'

/** How many attempts may be under way at once, and be begun in a second. */
export interface ThrottleLimits {
  readonly concurrency: number
  readonly ratePerSecond: number | undefined
}

/** After so many consecutive failures of the receiver itself, nothing is sent for a while. */
const breakAfter = 5
const pauses: Backoff = { growth: 'exponential', delayMs: 5_000, maxDelayMs: 300_000 }

/**
 * What one webhook may be sent now, by this process: as much as its concurrency and its rate allow, or nothing while its
 * circuit is open. After the pause one attempt shows whether the receiver is back; if not, the next pause is twice as long.
 */
export class EndpointThrottle {
  #inFlight = 0
  #failures = 0
  #pauses = 0
  #openUntil = 0
  #endedAt = Number.NEGATIVE_INFINITY
  #tokens = 0
  #filledAt = Number.NEGATIVE_INFINITY

  get inFlight(): number {
    return this.#inFlight
  }

  /** Whether the receiver is taken to be out of order. */
  isOpen(now: number): boolean {
    return now < this.#openUntil
  }

  /** Whether nothing is under way, and nothing was, nor was its circuit open, for so long. */
  isIdle(now: number, idleMs: number): boolean {
    return this.#inFlight === 0 && now - Math.max(this.#endedAt, this.#openUntil) >= idleMs
  }

  /** How many attempts may be begun now. */
  room({ concurrency, ratePerSecond }: ThrottleLimits, now: number): number {
    if (this.isOpen(now)) return 0
    const most = this.#failures >= breakAfter ? 1 : concurrency
    const free = Math.max(0, most - this.#inFlight)
    return ratePerSecond === undefined ? free : Math.min(free, this.#fill(ratePerSecond, now))
  }

  /** When there may be room again without an attempt having ended; undefined: only then. */
  roomAt({ ratePerSecond }: ThrottleLimits, now: number): number | undefined {
    if (this.isOpen(now)) return this.#openUntil
    return ratePerSecond !== undefined && this.#tokens < 1 ? now + 1_000 / ratePerSecond : undefined
  }

  begin(count = 1): void {
    this.#inFlight += count
    this.#tokens -= count
  }

  /** Records the end of an attempt; `isWell` says whether the receiver is well, undefined that it shows neither. */
  end(isWell: boolean | undefined, now: number): void {
    this.#inFlight -= 1
    this.#endedAt = now
    if (isWell === undefined) return
    if (isWell) {
      this.#failures = 0
      this.#pauses = 0
      this.#openUntil = 0
      return
    }
    this.#failures += 1
    // Of those that were under way together, the first one has opened the circuit.
    if (this.#failures < breakAfter || this.isOpen(now)) return
    this.#pauses += 1
    this.#openUntil = now + backoffMs(pauses, this.#pauses)
  }

  /** At most a second's worth is saved up. */
  #fill(ratePerSecond: number, now: number): number {
    const grown = ((now - this.#filledAt) / 1_000) * ratePerSecond
    if (grown >= 1 || this.#filledAt === Number.NEGATIVE_INFINITY) {
      this.#tokens = Math.min(Math.max(1, ratePerSecond), this.#tokens + grown)
      this.#filledAt = now
    }
    return Math.max(0, Math.floor(this.#tokens))
  }
}
