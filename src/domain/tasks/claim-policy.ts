import type { BatchWindow } from './batch-window.ts'
import type { Priority } from './task.ts'

/** How many tasks run at once, how many of those slots only CRITICAL tasks get, and when BATCH tasks may start. */
export interface SlotPlan {
  readonly slots: number
  readonly criticalSlots: number
  /** Undefined: at any time. */
  readonly batchWindow?: BatchWindow | undefined
}

export type CountByPriority = Readonly<Record<Priority, number>>

/** Slots that are free: for CRITICAL tasks, and how many of those for the others, too. */
export interface FreeSlots {
  readonly critical: number
  readonly shared: number
}

/** One step of filling free slots: up to `limit` tasks of a priority. */
export interface ClaimStep {
  readonly priority: Priority
  readonly limit: number
}

/** Of the slots that normal and batch tasks share, one in this many goes to a batch task when both wait. */
const batchShare = 4

/** How many slots are free, given how many tasks of each priority run. */
export function freeSlots(plan: SlotPlan, running: CountByPriority): FreeSlots {
  const free = Math.max(0, plan.slots - running.CRITICAL - running.NORMAL - running.BATCH)
  const sharedFree = plan.slots - plan.criticalSlots - running.NORMAL - running.BATCH
  return { critical: free, shared: Math.max(0, Math.min(free, sharedFree)) }
}

/**
 * In which order free slots are filled. The consumer passes to `next` how many tasks it found for a step: CRITICAL first,
 * then a share for BATCH, then NORMAL, and what is left to BATCH; nothing to BATCH while its window is closed.
 */
export function* claimSteps(
  plan: SlotPlan,
  { critical, shared }: FreeSlots,
  runningBatch: number,
  isBatchOpen: boolean,
): Generator<ClaimStep, void, number> {
  let left = Math.min(shared, critical - (yield { priority: 'CRITICAL', limit: critical }))
  if (!isBatchOpen) {
    yield { priority: 'NORMAL', limit: left }
    return
  }
  const offered = batchPart(left, runningBatch, plan)
  const batch = yield { priority: 'BATCH', limit: offered }
  left -= batch
  left -= yield { priority: 'NORMAL', limit: left }
  if (batch === offered) yield { priority: 'BATCH', limit: left }
}

/** How many of `shared` free slots are offered to batch tasks before normal ones get the rest. */
function batchPart(shared: number, runningBatch: number, plan: SlotPlan): number {
  const fair = Math.max(1, Math.floor((plan.slots - plan.criticalSlots) / batchShare))
  return Math.min(shared, Math.max(0, fair - runningBatch))
}
