import type { Pool } from 'pg'
import type { Caller } from '#domain/access/caller.ts'
import { addressBlock } from '#lib/address.ts'
import type { Clock } from '#lib/clock.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { Allowance } from './allowance.ts'
import { ConcurrencyLimiter } from './concurrency-limiter.ts'
import { TooComplex, TooManyBytesHeld } from './errors.ts'
import { Meter } from './meter.ts'
import { createSharedCount } from './shared-count.ts'

/** Who is counted: an application token, a person with all their sessions, or an address that nobody is known at. */
export type Party = 'token' | 'user' | 'address'

/** What is allowed; 0 means no limit. */
export interface Limits {
  /** Requests a minute. */
  readonly requests: Readonly<Record<Party, number>>
  /** What operations may cost in a minute. */
  readonly cost: Readonly<Record<Party, number>>
  /** What one operation may cost. */
  readonly operationCost: number
  /** Streams that one caller may have open, and WebSocket connections; in each process. */
  readonly subscriptions: number
  readonly sockets: number
  /** Operations that one caller may have under way, and bytes of their requests; in each process. */
  readonly operations: number
  readonly heldBytes: number
}

/** In milliseconds. */
export const windowMs = 60_000

export interface LimitServiceDeps {
  readonly pool: Pool
  readonly limits: Limits
  readonly clock: Clock
  readonly log: Logger
}

/** How much everybody may ask for. */
export type LimitService = ReturnType<typeof createLimitService>

export function createLimitService({ pool, limits, clock, log }: LimitServiceDeps) {
  const subscriptions = ConcurrencyLimiter.of('subscriptions', limits.subscriptions)
  const sockets = ConcurrencyLimiter.of('connections', limits.sockets)
  const operations = ConcurrencyLimiter.of('operations', limits.operations)
  const bytes = new ConcurrencyLimiter({ limit: limits.heldBytes, refusal: (limit) => new TooManyBytesHeld(limit) })
  const parties = { token: metersOf('token'), user: metersOf('user'), address: metersOf('address') }

  function metersOf(party: Party) {
    return {
      requests: meterOf(`requests-${party}`, 'requests', limits.requests[party]),
      cost: meterOf(`cost-${party}`, 'costly requests', limits.cost[party]),
    }
  }

  function meterOf(name: string, what: string, limit: number): Meter | undefined {
    if (limit === 0) return undefined
    const shared = createSharedCount({ pool, name, limit, windowS: windowMs / 1000 })
    const onError = (error: unknown) => log.warn({ err: error }, 'limits are counted by each process alone')
    return new Meter({ what, limit, windowMs, shared, clock, onError })
  }

  function allowance(party: Party, key: string): Allowance {
    return new Allowance({ ...parties[party], key, subscriptions, sockets, operations, bytes })
  }

  return {
    /** What is left to a caller: to a person across all their sessions and personal tokens. */
    of: ({ credential, limitKey, ownerId }: Caller): Allowance =>
      allowance(credential.kind === 'token' && ownerId === undefined ? 'token' : 'user', limitKey),
    /** What is left to those at an address that nobody is known at. */
    ofAddress: (address: string) => allowance('address', addressBlock(address)),
    /** @throws {TooComplex} when one operation costs more than any may. */
    check: (cost: number) => checkOperationCost(limits.operationCost, cost),
    operationCost: limits.operationCost,
  }
}

/** @throws {TooComplex} when one operation costs more than the limit; 0: there is none. */
export function checkOperationCost(limit: number, cost: number): void {
  if (limit > 0 && cost > limit) throw new TooComplex(`would cost ${cost}`, `at most ${limit} is allowed at once`)
}
