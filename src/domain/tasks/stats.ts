import type { Priority } from './task.ts'

/** Which tasks are counted. */
export interface StatsSelection {
  readonly accountId: string
  /** Any when undefined. */
  readonly type: string | undefined
  readonly priority: Priority | undefined
}

export interface Backlog {
  readonly waiting: number
  readonly scheduled: number
  readonly active: number
  readonly oldestWaitMs: number | null
}

export type PercentileTriple = readonly [number, number, number]

export interface StatsBucket {
  readonly from: Date
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
  readonly wait: PercentileTriple | null
  readonly run: PercentileTriple | null
}

export interface EndedStats {
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
  readonly wait: PercentileTriple | null
  readonly run: PercentileTriple | null
  readonly buckets: readonly StatsBucket[]
}
