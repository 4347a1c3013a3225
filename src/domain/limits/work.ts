import type { ConcurrencyLimiter } from './concurrency-limiter.ts'

export interface WorkOptions {
  readonly key: string
  readonly operations: ConcurrencyLimiter
  readonly bytes: ConcurrencyLimiter
  /** Of the request. */
  readonly sizeBytes: number
}

/** A request under way: it counts as one operation, and its bytes are held, until it ends. */
export class Work {
  readonly #options: WorkOptions
  readonly #leaveOperations: () => void
  #leaveBytes: () => void

  /** @throws {ConcurrencyLimitExceeded} @throws {TooManyBytesHeld} */
  constructor(options: WorkOptions) {
    const { key, operations, bytes, sizeBytes } = options
    this.#options = options
    this.#leaveOperations = operations.enter(key)
    try {
      this.#leaveBytes = bytes.enter(key, sizeBytes)
    } catch (error) {
      this.#leaveOperations()
      throw error
    }
  }

  /** From now on it is a stream, which is counted as such; its bytes are held for as long as it is open. */
  becomeStream(): void {
    this.#leaveOperations()
  }

  /** The request has turned out to have fewer bytes. */
  shrink(sizeBytes: number): void {
    const { key, bytes, sizeBytes: before } = this.#options
    if (sizeBytes >= before) return
    this.#leaveBytes()
    this.#leaveBytes = bytes.enter(key, sizeBytes)
  }

  /** Once or more often. */
  end(): void {
    this.#leaveOperations()
    this.#leaveBytes()
  }
}
