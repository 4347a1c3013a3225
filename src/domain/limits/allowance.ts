import type { ConcurrencyLimiter } from './concurrency-limiter.ts'
import type { Meter, MeterState, Share } from './meter.ts'
import { Work } from './work.ts'

export interface AllowanceOptions {
  readonly key: string
  /** No limit when undefined. */
  readonly requests: Meter | undefined
  readonly cost: Meter | undefined
  readonly subscriptions: ConcurrencyLimiter
  readonly sockets: ConcurrencyLimiter
  readonly operations: ConcurrencyLimiter
  readonly bytes: ConcurrencyLimiter
}

/** Points that were spent before it was known what they are for. */
export interface Hold {
  readonly points: number
  /** Replaces the estimate by the actual number of points. */
  settle(points: number): void
}

const unlimited = (points: number): Hold => ({ points, settle: () => undefined })

/** What is left to one caller, or to one address. */
export class Allowance {
  readonly #options: AllowanceOptions

  constructor(options: AllowanceOptions) {
    this.#options = options
  }

  /**
   * Counts a request; a promise only where the count of all processes has to be asked. What it counts as can be given back,
   * unless nothing is limited. @throws {RateLimited}
   */
  request(): Share | undefined | Promise<Share> {
    const { requests, key } = this.#options
    return requests?.spend(key, 1)
  }

  /** Gives back what {@link request} has counted: it was somebody else's. */
  giveBack(share: Share): void {
    this.#options.requests?.correct(share, 1)
  }

  /** Spends what an operation may cost. @throws {RateLimited} */
  hold(points: number): Hold | Promise<Hold> {
    const { cost, key } = this.#options
    if (cost === undefined) return unlimited(points)
    const holdOf = (share: Share): Hold => ({
      points,
      settle: (actual) => cost.correct(share, points - actual),
    })
    const share = cost.spend(key, points)
    return share instanceof Promise ? share.then(holdOf) : holdOf(share)
  }

  /** A stream begins; returns what to call when it is over. @throws {ConcurrencyLimitExceeded} */
  subscribe(): () => void {
    return this.#options.subscriptions.enter(this.#options.key)
  }

  /** A connection begins; returns what to call when it is over. @throws {ConcurrencyLimitExceeded} */
  connect(): () => void {
    return this.#options.sockets.enter(this.#options.key)
  }

  /** A request of so many bytes is under way until its work ends. @throws {ConcurrencyLimitExceeded} @throws {TooManyBytesHeld} */
  begin(sizeBytes: number): Work {
    const { key, operations, bytes } = this.#options
    return new Work({ key, operations, bytes, sizeBytes })
  }

  /** How the count of requests stands; undefined without a limit. */
  get requests(): MeterState | undefined {
    return this.#options.requests?.state(this.#options.key)
  }

  /** How the cost of operations stands; undefined without a limit. */
  get cost(): MeterState | undefined {
    return this.#options.cost?.state(this.#options.key)
  }
}
