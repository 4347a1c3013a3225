import type { Pool } from 'pg'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import { TooManyAttempts } from './errors.ts'

const windowS = 15 * 60
/** Attempts in a quarter of an hour; successful ones are given back. */
const attempts = { forPerson: 10, fromAddress: 50 } as const

/** Slows down who guesses passwords: for one person from everywhere, and from one address for everybody. */
export class SignInThrottle {
  readonly #person: RateLimiterPostgres
  readonly #address: RateLimiterPostgres

  /** Counts in the database, so that it is one count for all processes. */
  constructor(pool: Pool) {
    const shared = { storeClient: pool, tableName: 'rate_limit', tableCreated: true, clearExpiredByTimeout: false }
    this.#person = new RateLimiterPostgres({
      ...shared,
      keyPrefix: 'sign-in-person',
      points: attempts.forPerson,
      duration: windowS,
    })
    this.#address = new RateLimiterPostgres({
      ...shared,
      keyPrefix: 'sign-in-address',
      points: attempts.fromAddress,
      duration: windowS,
    })
  }

  /** Counts an attempt, before it is known how it ends: many at once are no way around. @throws {TooManyAttempts} */
  async attempt(person: string, address: string): Promise<void> {
    await Promise.all([this.#person.consume(person), this.#address.consume(address)]).catch((refused: unknown) => {
      throw refused instanceof RateLimiterRes ? new TooManyAttempts(refused.msBeforeNext) : refused
    })
  }

  /** The attempt was rightful. */
  async succeeded(person: string, address: string): Promise<void> {
    await Promise.all([this.#person.delete(person), this.#address.reward(address)])
  }
}
