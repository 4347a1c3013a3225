import { AppError } from '#lib/errors.ts'

/** More was asked for than the caller, or the address, gets in this time. */
export class RateLimited extends AppError {
  readonly code = 'RATE_LIMITED'
  readonly retryAfterMs: number
  constructor(what: string, retryAfterMs: number) {
    super(`Too many ${what}: try again in ${Math.max(1, Math.ceil(retryAfterMs / 1000))} s.`)
    this.retryAfterMs = retryAfterMs
  }
}

/** One caller has more open at once than is allowed. */
export class ConcurrencyLimitExceeded extends AppError {
  readonly code = 'RATE_LIMITED'
  constructor(what: string, limit: number) {
    super(`At most ${limit} ${what} may be open at once: end one first.`)
  }
}

/** The requests of one caller that are under way hold as many bytes as is allowed. */
export class TooManyBytesHeld extends AppError {
  readonly code = 'RATE_LIMITED'
  constructor(limit: number) {
    super(`Requests in progress may hold at most ${limit} bytes together: wait until one has ended.`)
  }
}

/** The operation itself is larger than allowed, for any caller and at any rate. */
export class TooComplex extends AppError {
  readonly code = 'TOO_COMPLEX'
  constructor(found: string, limit: string) {
    super(`The operation ${found}; ${limit}.`)
  }
}
