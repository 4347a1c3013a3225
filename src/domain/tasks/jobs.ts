import { z } from 'zod'
import { type Priority, priorities } from './task.ts'

/** One pg-boss queue per priority: who gets the next free slot is the dispatcher's to decide. */
export const queueOf: Readonly<Record<Priority, string>> = {
  CRITICAL: 'tasks-critical',
  NORMAL: 'tasks-normal',
  BATCH: 'tasks-batch',
}

/** Where tasks for remote workers wait until they are due; then they wait outside of the queues. */
export const remoteQueue = 'tasks-remote'

export const queueNames: readonly string[] = [...priorities.map((priority) => queueOf[priority]), remoteQueue]

/** What a job carries: it stands for a task's next attempt, and its id is the task's `jobId` of that attempt. */
export const attemptJob = z.object({
  accountId: z.uuid(),
  /** The task, unless it is chosen when the job is claimed. */
  taskId: z.uuid().optional(),
  /** From what the task is then chosen: the account's lanes, or the tasks without a fairness key, by their ranks. */
  standsFor: z.enum(['lanes', 'rank']).optional(),
})
export type AttemptJob = z.output<typeof attemptJob>
