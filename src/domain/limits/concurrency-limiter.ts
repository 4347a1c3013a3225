import { ConcurrencyLimitExceeded } from './errors.ts'

export interface ConcurrencyLimiterOptions {
  /** How much each key may have open; 0: no limit. */
  readonly limit: number
  /** Why there may be no more. */
  readonly refusal: (limit: number) => Error
}

/** How much each key may have open at once in this process, such as streams. */
export class ConcurrencyLimiter {
  readonly #options: ConcurrencyLimiterOptions
  readonly #open = new Map<string, number>()

  constructor(options: ConcurrencyLimiterOptions) {
    this.#options = options
  }

  /** Of things that are counted by one. */
  static of(what: string, limit: number): ConcurrencyLimiter {
    return new ConcurrencyLimiter({ limit, refusal: () => new ConcurrencyLimitExceeded(what, limit) })
  }

  /** Counts so many more; returns what to call, once or more often, when they are over. @throws the refusal */
  enter(key: string, count = 1): () => void {
    const { limit, refusal } = this.#options
    const open = this.#open.get(key) ?? 0
    if (limit > 0 && open + count > limit) throw refusal(limit)
    this.#open.set(key, open + count)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      const left = (this.#open.get(key) ?? count) - count
      if (left > 0) this.#open.set(key, left)
      else this.#open.delete(key)
    }
  }
}
