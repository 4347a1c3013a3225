import { LRUCache } from 'lru-cache'
import type { Clock } from '#lib/clock.ts'
import { RateLimited } from './errors.ts'
import type { SharedCount } from './shared-count.ts'

export interface MeterOptions {
  /** What is counted, for people: `requests`. */
  readonly what: string
  /** How many points each key has in a window. */
  readonly limit: number
  readonly windowMs: number
  readonly shared: SharedCount
  readonly clock: Clock
  /** The count of all processes can't be had now. */
  readonly onError: (error: unknown) => void
}

/** This process's part in one key's points of one window. */
export interface Share {
  /** What this process may spend before it has to ask again. */
  granted: number
  used: number
  /** What it has allowed itself and not told the others yet. */
  untold: number
  /** What all processes have taken, as far as is known here. */
  taken: number
  isExhausted: boolean
  /** When the window ends, in milliseconds since 1970. */
  endsAt: number
  taking: Promise<void> | undefined
}

/** How a key stands, for people and for headers. */
export interface MeterState {
  readonly limit: number
  readonly remaining: number
  readonly resetMs: number
}

/** Twentieths of a limit that a process takes at once: so often it asks, and so much of it can lie idle elsewhere. */
const portions = 20
const maxKeys = 50_000

/**
 * A limit that all processes share, without asking for each request: a process takes a twentieth of a key's points at
 * a time from the common count, and spends them by itself. The first twentieth of each window it allows itself, and tells
 * with the second; so those who ask for little never cost a write, and all processes together exceed the limit by a
 * twentieth for each process at most. While the database doesn't answer, each process counts alone.
 */
export class Meter {
  readonly #options: MeterOptions
  readonly #portion: number
  /** By size, since `max` allocates for all keys at once: 1.4 MB for each limit. */
  readonly #shares = new LRUCache<string, Share>({ maxSize: maxKeys, sizeCalculation: () => 1 })

  constructor(options: MeterOptions) {
    this.#options = options
    this.#portion = Math.ceil(options.limit / portions)
  }

  /**
   * Spends points; at once when this process has enough of them, else the promise says when it is done.
   * @throws {RateLimited} when the key has no more; in a promise as its rejection
   */
  spend(key: string, points: number): Share | Promise<Share> {
    const share = this.#share(key)
    if (this.#spendNow(share, points)) return share
    return this.#spendLater(key, points)
  }

  /** Gives back what was spent too much, or spends what was too little, whatever is left. */
  correct(share: Share, points: number): void {
    share.used = Math.max(0, share.used - points)
  }

  /** How a key stands now. */
  state(key: string): MeterState {
    const now = this.#now()
    const share = this.#shares.get(key)
    const { limit, windowMs } = this.#options
    if (share === undefined || share.endsAt <= now) return { limit, remaining: limit, resetMs: windowMs }
    const remaining = Math.max(0, Math.min(limit, limit - share.taken + share.granted - share.used))
    return { limit, remaining, resetMs: share.endsAt - now }
  }

  async #spendLater(key: string, points: number): Promise<Share> {
    for (;;) {
      const share = this.#share(key)
      if (this.#spendNow(share, points)) return share
      // Concurrent callers share the points that are granted, and may have to ask again.
      share.taking ??= this.#take(key, share, points).finally(() => {
        share.taking = undefined
      })
      await share.taking
    }
  }

  #spendNow(share: Share, points: number): boolean {
    if (share.used + points <= share.granted) {
      share.used += points
      return true
    }
    if (share.isExhausted) throw new RateLimited(this.#options.what, share.endsAt - this.#now())
    return false
  }

  async #take(key: string, share: Share, points: number): Promise<void> {
    const { limit, shared, onError } = this.#options
    const missing = Math.max(this.#portion, share.used + points - share.granted)
    const asked = Math.min(limit, missing + share.untold)
    try {
      const { granted, taken, resetMs } = await shared(key, asked)
      share.granted += Math.max(0, granted - share.untold)
      share.untold = 0
      share.taken = taken
      share.isExhausted = taken >= limit
      share.endsAt = this.#now() + resetMs
    } catch (error) {
      onError(error)
      share.granted = Math.min(limit, share.granted + missing)
      share.taken = Math.max(share.taken, share.granted)
      share.untold += missing
      share.isExhausted = share.granted >= limit
    }
  }

  #share(key: string): Share {
    const now = this.#now()
    const known = this.#shares.get(key)
    if (known !== undefined && known.endsAt > now) return known
    const portion = this.#portion
    const share: Share = {
      granted: portion,
      used: 0,
      untold: portion,
      taken: portion,
      isExhausted: portion >= this.#options.limit,
      endsAt: now + this.#options.windowMs,
      taking: undefined,
    }
    this.#shares.set(key, share)
    return share
  }

  #now(): number {
    return this.#options.clock.now().getTime()
  }
}
