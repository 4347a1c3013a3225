import { createBatcher } from '#lib/batcher.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { attemptedType } from './events.ts'
import { sendRetryJobs } from './retry-jobs.ts'
import { type SettledDelivery, type Settlement, settleDeliveries } from './store/deliveries.ts'
import type { WaitingDelivery } from './store/retries.ts'

const settledAtOnce = 500

/** One attempt, as listed in a journal entry about many. */
export interface AttemptNews {
  readonly id: string
  readonly webhookId: string
  readonly eventType: string
  readonly status: string
  readonly attempt: number
  readonly outcome: string
  readonly responseStatus?: number | undefined
  readonly durationMs: number
  readonly waitMs?: number | undefined
}

/**
 * Writes down how attempts have ended, those together that end together. Resolves once that is committed, with whether
 * the delivery was still this worker's to settle.
 */
export function createSettler({
  transact,
  queue,
  workerId,
  actor,
}: {
  readonly transact: Transact
  readonly queue: Pick<Queue, 'send'>
  readonly workerId: number
  readonly actor: Actor
}): (settlement: Settlement) => Promise<boolean> {
  return createBatcher<Settlement, boolean>({
    maxSize: settledAtOnce,
    run: (settlements) =>
      transact(async (tx) => {
        const settled = await settleDeliveries(tx, workerId, settlements)
        await sendRetryJobs(tx, queue, settled.filter(isWaiting))
        const own = new Set(settled.map(({ id }) => id))
        const told = settlements.filter(({ delivery }) => own.has(delivery.id))
        journalAttempts(tx, actor, told)
        // The attempt took place, and is kept with its delivery, which a deleted webhook or another worker has settled.
        if (told.length === 0) tx.quiet('attempts at deliveries that were settled meanwhile')
        return settlements.map(({ delivery }) => own.has(delivery.id))
      }),
  })
}

function isWaiting(delivery: SettledDelivery): delivery is WaitingDelivery {
  return delivery.jobId !== null
}

/** Says in the journal how attempts have ended, those of an account in one entry. */
export function journalAttempts(tx: Transaction, actor: Actor, settlements: readonly Settlement[]): void {
  for (const [accountId, group] of Map.groupBy(settlements, ({ delivery }) => delivery.accountId)) {
    const attempts = group.map(newsOf)
    tx.journal({ accountId, type: attemptedType, subject: 'webhooks', actor, data: { attempts } })
  }
}

function newsOf({ delivery, result, settled }: Settlement): AttemptNews {
  return {
    id: delivery.id,
    webhookId: delivery.webhookId,
    eventType: delivery.event?.type ?? '',
    status: settled.status,
    attempt: delivery.attempt + 1,
    outcome: result.outcome,
    responseStatus: result.responseStatus,
    durationMs: Math.round(result.durationMs),
    waitMs: settled.waitMs,
  }
}
