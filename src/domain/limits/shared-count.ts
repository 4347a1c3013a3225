import type { Pool } from 'pg'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'

/** What a process was given of a limit that all processes share. */
interface Taken {
  /** At most what was asked for. */
  readonly granted: number
  /** What all processes have taken so far, never more than the limit. */
  readonly taken: number
  /** When the count is reset, in milliseconds from now. */
  readonly resetMs: number
}

/** One count for all processes. @throws when the database doesn't answer. */
export type SharedCount = (key: string, points: number) => Promise<Taken>

export interface SharedCountOptions {
  readonly pool: Pool
  /** What is counted; unique. */
  readonly name: string
  readonly limit: number
  readonly windowS: number
}

/** Counts in the database. */
export function createSharedCount({ pool, name, limit, windowS }: SharedCountOptions): SharedCount {
  const limiter = new RateLimiterPostgres({
    storeClient: pool,
    tableName: 'rate_limit',
    tableCreated: true,
    clearExpiredByTimeout: false,
    keyPrefix: name,
    points: limit,
    duration: windowS,
  })
  return async (key, points) => {
    const { consumedPoints, msBeforeNext } = await limiter.consume(key, points).catch((refused: unknown) => {
      if (refused instanceof RateLimiterRes) return refused
      throw refused
    })
    // It counts what it refuses, too, so the last who asks gets what was left.
    const left = limit - (consumedPoints - points)
    const granted = Math.min(points, Math.max(0, left))
    return { granted, taken: Math.min(limit, consumedPoints), resetMs: msBeforeNext }
  }
}
