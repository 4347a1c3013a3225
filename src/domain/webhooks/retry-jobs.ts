import { z } from 'zod'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { NewJob, Queue } from '#platform/queue/queue.ts'
import { allowAttempts, findOverdueRetries, type WaitingDelivery } from './store/retries.ts'

/** The pg-boss queue of retries and redeliveries. */
export const retryQueue = 'webhook-retries'

/** Jobs that are taken in one transaction. */
const takenAtOnce = 1_000
/** A delivery whose job should have come so long ago may have none. */
const overdueMs = 60_000

const retryJob = z.object({ accountId: z.uuid(), deliveryId: z.uuid() })

/** Sends the jobs that deliveries wait for, each due when its delivery is. */
export async function sendRetryJobs(
  tx: Transaction,
  queue: Pick<Queue, 'send'>,
  waiting: readonly WaitingDelivery[],
): Promise<void> {
  const jobs = waiting.map(
    ({ accountId, id: deliveryId, jobId, dueAt }): NewJob => ({
      queue: retryQueue,
      id: jobId,
      data: { accountId, deliveryId },
      startAfter: dueAt,
    }),
  )
  await queue.send(tx, jobs)
}

/**
 * Takes the jobs that are due, and lets their deliveries be attempted; returns whether there may be more. A delivery that
 * was cancelled, or waits for another job by now, is left as it is.
 */
export async function takeDueRetries(tx: Transaction, queue: Pick<Queue, 'claim'>): Promise<boolean> {
  const jobs = await queue.claim(tx, retryQueue, takenAtOnce)
  if (jobs.length > 0)
    await allowAttempts(
      tx,
      jobs.map(({ id, data }) => ({ ...retryJob.parse(data), jobId: id })),
    )
  return jobs.length === takenAtOnce
}

/**
 * Lets deliveries be attempted that wait for a job which is gone, as after a job was deleted or cancelled with pg-boss's
 * own tools; returns how many. Harmless to repeat, also by several processes.
 */
export async function allowLostRetries(deps: {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Pick<Queue, 'findMissing'>
}): Promise<number> {
  const overdue = await findOverdueRetries(deps.sql, overdueMs, takenAtOnce)
  const missing = await deps.queue.findMissing(
    deps.sql,
    retryQueue,
    overdue.map(({ jobId }) => jobId),
  )
  const lost = overdue.filter(({ jobId }) => missing.has(jobId))
  if (lost.length > 0) await deps.transact.quiet('lost jobs of deliveries')((tx) => allowAttempts(tx, lost))
  return lost.length
}
