import type { Sql } from '#platform/database/sql.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { queueOf } from './jobs.ts'
import { countOpenDependencies } from './store/dependencies.ts'
import { countHeldBefore } from './store/held.ts'
import type { Waiting } from './waiting.ts'

const maxCount = 10_000

/** How many tasks are before one that waits, or have to end first; undefined where there is no order, or more than 10,000 are. */
export async function countAhead(sql: Sql, queue: Queue, { reason, task }: Waiting): Promise<number | undefined> {
  const count = await countUpTo(maxCount + 1)
  return count !== undefined && count <= maxCount ? count : undefined

  async function countUpTo(limit: number): Promise<number | undefined> {
    if (reason === 'SLOT') return queue.countBefore(sql, queueOf[task.priority], task.jobId, limit)
    if (reason === 'DEPENDENCY') return countOpenDependencies(sql, task)
    return reason === 'CONCURRENCY' ? countHeldBefore(sql, task, limit) : undefined
  }
}
