import type { TaskKey } from '#domain/tasks/store/steps.ts'
import { type WokenTask, wakeTasks } from '#domain/tasks/store/waits.ts'
import { waitAgain } from '#domain/tasks/waiting-again.ts'
import { newId } from '#lib/ids.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { Queue } from '#platform/queue/queue.ts'

/** Lets tasks continue that wait, and puts them into the queue; those that run, or wait for their retry, go on as they are. */
export async function wake(tx: Transaction, queue: Queue, tasks: readonly TaskKey[]): Promise<readonly WokenTask[]> {
  if (tasks.length === 0) return []
  const woken = await wakeTasks(
    tx,
    tasks.map(({ accountId, taskId }) => ({ accountId, taskId, jobId: newId() })),
  )
  const jobs = woken.map(({ accountId, taskId, jobId: id, priority }) => ({
    priority,
    id,
    data: { accountId, taskId },
    isRemote: false,
  }))
  await waitAgain(tx, queue, jobs)
  return woken
}
