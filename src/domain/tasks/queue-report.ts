import type { QueueState } from './store/queues.ts'
import { type Priority, priorities } from './task.ts'

/** What waits and runs in one priority. */
export interface QueueReport {
  readonly priority: Priority
  readonly waiting: number
  readonly scheduled: number
  readonly active: number
  readonly oldestWaitMs: number | null
}

export interface Percentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** One report for every priority, in order of urgency. */
export function byPriority(states: readonly QueueState[]): QueueReport[] {
  return priorities.map(
    (priority) =>
      states.find((state) => state.priority === priority) ?? {
        priority,
        waiting: 0,
        scheduled: 0,
        active: 0,
        oldestWaitMs: null,
      },
  )
}
