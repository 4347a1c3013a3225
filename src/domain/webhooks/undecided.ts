import { LRUCache } from 'lru-cache'
import type { Transaction } from '#platform/database/transaction.ts'
import type { Actor, JournalEntry } from '#platform/journal/entry.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { type ClaimedDelivery, deliveryId } from './delivery.ts'
import type { Endpoint } from './endpoint.ts'
import { journalAttempts } from './settler.ts'
import { insertFailedDeliveries, type Settlement } from './store/deliveries.ts'

/** An event for a webhook whose filter takes too much for it. */
export interface Undecided {
  readonly endpoint: Endpoint
  readonly event: JournalEntry
}

const reason =
  'The webhook’s filter takes too long for this event, alone or beside the account’s other filters. ' +
  'Use fewer conditions or shorter regular expressions; redelivering sends the event without asking the filter.'
const logIntervalMs = 60_000

/**
 * Keeps events that a filter could not decide about: each is a failed delivery of its webhook, which its owner sees and
 * can have delivered again, so nothing is lost and nothing is sent that the owner may not want.
 */
export class UndecidedDeliveries {
  readonly #actor: Actor
  readonly #log: Logger
  readonly #onFailed: (settlement: Settlement) => void
  readonly #logged = new LRUCache<string, true>({ max: 1_000, ttl: logIntervalMs })

  constructor(options: { actor: Actor; log: Logger; onFailed: (settlement: Settlement) => void }) {
    this.#actor = options.actor
    this.#log = options.log
    this.#onFailed = options.onFailed
  }

  /** Writes them down in the transaction that routes their events; returns those that weren't there yet. */
  async record(tx: Transaction, undecided: readonly Undecided[]): Promise<readonly Settlement[]> {
    if (undecided.length === 0) return []
    const settlements = undecided.map(settlementOf)
    const made = await insertFailedDeliveries(tx, settlements)
    const failed = settlements.filter(({ delivery }) => made.has(delivery.id))
    journalAttempts(tx, this.#actor, failed)
    return failed
  }

  /** To be called once they are committed. */
  report(failed: readonly Settlement[]): void {
    for (const settlement of failed) {
      const { accountId, webhookId } = settlement.delivery
      this.#onFailed(settlement)
      if (this.#logged.has(webhookId)) continue
      this.#logged.set(webhookId, true)
      this.#log.warn({ accountId, webhookId }, 'the filter of a webhook takes too long; its delivery has failed')
    }
  }
}

/** As the failed delivery that it is. */
export function settlementOf({ endpoint, event }: Undecided): Settlement {
  const { accountId, id: webhookId } = endpoint
  const { xid: eventXid, seq: eventSeq, at: eventAt } = event
  const id = deliveryId(webhookId, event)
  const delivery: ClaimedDelivery = {
    ...{ accountId, id, webhookId, event, eventXid, eventSeq, eventAt },
    ...{ attempt: 0, attemptBase: 0 },
  }
  return {
    delivery,
    result: { at: new Date(), durationMs: 0, outcome: 'filter_error', error: reason },
    settled: { status: 'FAILED' },
  }
}
