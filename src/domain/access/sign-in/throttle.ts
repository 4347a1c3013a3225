import type { Pool } from 'pg'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import { compositeKey } from '#lib/composite-key.ts'
import { TooManyAttempts } from './errors.ts'

const quarterS = 15 * 60
const hourS = 60 * 60

/** Counts in the database, so that it is one count for all processes. */
function counter(pool: Pool, keyPrefix: string, points: number, duration = quarterS): RateLimiterPostgres {
  const shared = { storeClient: pool, tableName: 'rate_limit', tableCreated: true, clearExpiredByTimeout: false }
  return new RateLimiterPostgres({ ...shared, keyPrefix, points, duration })
}

/** Counts one more; the refusal where that is too many. */
async function refusalOf(counter: RateLimiterPostgres, key: string): Promise<TooManyAttempts | undefined> {
  try {
    await counter.consume(key)
    return undefined
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return new TooManyAttempts(refused.msBeforeNext)
    throw refused
  }
}

async function mustCount(counter: RateLimiterPostgres, key: string): Promise<void> {
  const refusal = await refusalOf(counter, key)
  if (refusal !== undefined) throw refusal
}

/** Whose password is tried. */
export interface Guess {
  /** The person's id, or what stands for an address that nobody has. */
  readonly person: string
  /** Whether the person has signed in from this place before. */
  readonly isKnownPlace: boolean
}

/**
 * Slows down guessing of passwords, so that it locks nobody out of the places that they sign in from (NIST SP 800-63B
 * §5.2.2). A place is the block of an address. Right passwords are given back.
 *
 * | what is counted | at most |
 * | --- | --- |
 * | one person's attempts from one place | 10 in 15 minutes |
 * | one person's from all places that they have not signed in from, together | 40 in an hour |
 * | everybody's from one place, without those whose place it is | 50 in 15 minutes |
 * | attempts of somebody signed in to give their own current password | 10 in 15 minutes |
 */
export class SignInThrottle {
  readonly #pair: RateLimiterPostgres
  readonly #strange: RateLimiterPostgres
  readonly #place: RateLimiterPostgres
  readonly #own: RateLimiterPostgres

  constructor(pool: Pool) {
    this.#pair = counter(pool, 'sign-in-pair', 10)
    this.#strange = counter(pool, 'sign-in-strange', 40, hourS)
    this.#place = counter(pool, 'sign-in-place', 50)
    this.#own = counter(pool, 'sign-in-own', 10)
  }

  /**
   * Counts an attempt for all whom it may mean, before it is known how it ends: many at once are no way around. Returns
   * those whose password may be compared. @throws {TooManyAttempts} when that is nobody's
   */
  async attempt<One extends Guess>(guesses: readonly One[], place: string): Promise<One[]> {
    const isStranger = guesses.some(({ isKnownPlace }) => !isKnownPlace)
    const ofPlace = isStranger ? await refusalOf(this.#place, place) : undefined
    const refusals = await Promise.all(guesses.map((guess) => this.#refusal(guess, place, ofPlace)))
    const allowed = guesses.filter((_, index) => refusals[index] === undefined)
    const [refusal] = refusals
    if (allowed.length === 0 && refusal !== undefined) throw refusal
    return allowed
  }

  /** One place alone must not use up what all strange ones have together, so that is counted last. */
  async #refusal({ person, isKnownPlace }: Guess, place: string, ofPlace: TooManyAttempts | undefined) {
    if (!isKnownPlace && ofPlace !== undefined) return ofPlace
    const ofPair = await refusalOf(this.#pair, compositeKey(person, place))
    return isKnownPlace || ofPair !== undefined ? ofPair : refusalOf(this.#strange, person)
  }

  /** The attempt was rightful. */
  async succeeded({ person, isKnownPlace }: Guess, place: string): Promise<void> {
    const forgotten = this.#pair.delete(compositeKey(person, place))
    const rewarded = isKnownPlace ? [] : [this.#strange.reward(person), this.#place.reward(place)]
    await Promise.all([forgotten, ...rewarded])
  }

  /** The person has a new password: wrong ones for the old one from strange places no longer count. */
  async forgive(person: string): Promise<void> {
    await this.#strange.delete(person)
  }

  /** Somebody who is signed in gives their current password; nobody else can use this up. @throws {TooManyAttempts} */
  async attemptOwn(person: string): Promise<void> {
    await mustCount(this.#own, person)
  }

  /** It was right. */
  async succeededOwn(person: string): Promise<void> {
    await this.#own.reward(person)
  }
}

/** Slows down who begins device sign-ins without end, and who guesses the codes of others. */
export class DeviceThrottle {
  readonly #begun: RateLimiterPostgres
  readonly #guessed: RateLimiterPostgres

  constructor(pool: Pool) {
    this.#begun = counter(pool, 'device-place', 60)
    this.#guessed = counter(pool, 'device-person', 10)
  }

  /** A device of this block of addresses begins. @throws {TooManyAttempts} */
  async begin(place: string): Promise<void> {
    await mustCount(this.#begun, place)
  }

  /** A person names a code; counted before it is known whether it is one. @throws {TooManyAttempts} */
  async guess(person: string): Promise<void> {
    await mustCount(this.#guessed, person)
  }

  /** The code was one. */
  async rightly(person: string): Promise<void> {
    await this.#guessed.reward(person)
  }
}
