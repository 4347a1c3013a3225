import { newId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { queueOf, remoteQueue } from './jobs.ts'
import { findOverdueTasks, type OverdueTask, replaceJobs } from './store/lost-jobs.ts'
import { waitAgain } from './waiting-again.ts'

/** A task whose job should have come so long ago may have none. */
const overdueMs = 60_000
const lookedAtOnce = 5_000

export interface LostJobsDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
}

/**
 * Gives tasks that wait for a job which is gone, as after a job was deleted or cancelled with pg-boss's own tools, another
 * one; returns how many. Harmless to repeat, also by several processes.
 */
export async function replaceLostJobs({ sql, transact, queue }: LostJobsDeps): Promise<number> {
  const lost: OverdueTask[] = []
  const overdue = await findOverdueTasks(sql, overdueMs, lookedAtOnce)
  const queueOfTask = ({ priority, isRemote }: OverdueTask) => (isRemote ? remoteQueue : queueOf[priority])
  for (const [name, tasks] of Map.groupBy(overdue, queueOfTask)) {
    const jobIds = tasks.map(({ jobId }) => jobId)
    const missing = await queue.findMissing(sql, name, jobIds)
    lost.push(...tasks.filter(({ jobId }) => missing.has(jobId)))
  }
  if (lost.length === 0) return 0
  return transact.quiet('jobs instead of lost ones')(async (tx) => {
    const replaced = await replaceJobs(
      tx,
      lost.map((task) => ({ ...task, newJobId: newId() })),
    )
    const jobs = replaced.map(({ accountId, id: taskId, priority, jobId: id, isRemote }) => ({
      priority,
      id,
      data: { accountId, taskId },
      isRemote,
    }))
    await waitAgain(tx, queue, jobs)
    return replaced.length
  })
}
