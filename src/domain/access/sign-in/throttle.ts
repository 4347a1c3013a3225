import type { Pool } from 'pg'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import { TooManyAttempts } from './errors.ts'

const windowS = 15 * 60
/** Attempts in a quarter of an hour; successful ones are given back. */
const attempts = { forPerson: 10, fromAddress: 50 } as const
/** In a quarter of an hour. */
const devices = { fromAddress: 60, wrongCodes: 10 } as const

/** Counts in the database, so that it is one count for all processes. */
function counter(pool: Pool, keyPrefix: string, points: number): RateLimiterPostgres {
  const shared = { storeClient: pool, tableName: 'rate_limit', tableCreated: true, clearExpiredByTimeout: false }
  return new RateLimiterPostgres({ ...shared, keyPrefix, points, duration: windowS })
}

function orTooMany(refused: unknown): never {
  throw refused instanceof RateLimiterRes ? new TooManyAttempts(refused.msBeforeNext) : refused
}

/** Slows down who guesses passwords: for one person from everywhere, and from one address for everybody. */
export class SignInThrottle {
  readonly #person: RateLimiterPostgres
  readonly #address: RateLimiterPostgres

  constructor(pool: Pool) {
    this.#person = counter(pool, 'sign-in-person', attempts.forPerson)
    this.#address = counter(pool, 'sign-in-address', attempts.fromAddress)
  }

  /** Counts an attempt, before it is known how it ends: many at once are no way around. @throws {TooManyAttempts} */
  async attempt(person: string, address: string): Promise<void> {
    await Promise.all([this.#person.consume(person), this.#address.consume(address)]).catch(orTooMany)
  }

  /** The attempt was rightful. */
  async succeeded(person: string, address: string): Promise<void> {
    await Promise.all([this.#person.delete(person), this.#address.reward(address)])
  }
}

/** Slows down who begins device sign-ins without end, and who guesses the codes of others. */
export class DeviceThrottle {
  readonly #begun: RateLimiterPostgres
  readonly #guessed: RateLimiterPostgres

  constructor(pool: Pool) {
    this.#begun = counter(pool, 'device-address', devices.fromAddress)
    this.#guessed = counter(pool, 'device-person', devices.wrongCodes)
  }

  /** A device of this address begins. @throws {TooManyAttempts} */
  async begin(address: string): Promise<void> {
    await this.#begun.consume(address).catch(orTooMany)
  }

  /** A person names a code; counted before it is known whether it is one. @throws {TooManyAttempts} */
  async guess(person: string): Promise<void> {
    await this.#guessed.consume(person).catch(orTooMany)
  }

  /** The code was one. */
  async rightly(person: string): Promise<void> {
    await this.#guessed.reward(person)
  }
}
