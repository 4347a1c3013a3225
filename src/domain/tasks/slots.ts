import type { Priority } from './task.ts'

/** How many tasks run at once, and how many of those places only CRITICAL tasks get. */
export interface SlotPlan {
  readonly slots: number
  readonly criticalSlots: number
}

/** Of the places that normal and batch tasks share, one in this many goes to a batch task when both wait. */
const batchShare = 4

/** How many places are free for each priority, given how many tasks of each run. */
export function freeSlots(
  plan: SlotPlan,
  running: Readonly<Record<Priority, number>>,
): { critical: number; shared: number } {
  const free = Math.max(0, plan.slots - running.CRITICAL - running.NORMAL - running.BATCH)
  const sharedFree = plan.slots - plan.criticalSlots - running.NORMAL - running.BATCH
  return { critical: free, shared: Math.max(0, Math.min(free, sharedFree)) }
}

/** How many of `shared` free places are offered to batch tasks before normal ones get the rest. */
export function batchPart(shared: number, runningBatch: number, plan: SlotPlan): number {
  const fair = Math.max(1, Math.floor((plan.slots - plan.criticalSlots) / batchShare))
  return Math.min(shared, Math.max(0, fair - runningBatch))
}
