import { compositeKey } from '#lib/composite-key.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import { readEntriesAt } from '#platform/journal/store.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { ClaimedDelivery } from './delivery.ts'
import type { Endpoint } from './endpoint.ts'
import type { Endpoints } from './endpoints.ts'
import type { Due } from './fair-shares.ts'
import { takeDueRetries } from './retry-jobs.ts'
import { claimDeliveries } from './store/claims.ts'
import { cancelDeliveries, readWaiting } from './store/deliveries.ts'
import { commitSoon } from './store/routing.ts'

export interface ClaimerDeps {
  readonly transact: Transact
  readonly queue: Pick<Queue, 'claim'>
  readonly endpoints: Endpoints
  readonly workerId: number
}

/** Finds what is due, and takes it for this process. */
export class Claimer {
  readonly #deps: ClaimerDeps

  constructor(deps: ClaimerDeps) {
    this.#deps = deps
  }

  /** Webhooks for which something is due, with the room that each has; and in how many milliseconds the next one will be. */
  async find(
    roomOf: (endpoint: Endpoint) => number,
  ): Promise<{ readonly due: Due[]; readonly nextInMs: number | undefined }> {
    const { waiting, hasMoreRetries } = await this.#waiting()
    const due: Due[] = []
    let nextInMs: number | undefined = hasMoreRetries ? 0 : undefined
    for (const { webhookId, accountId, inMs } of waiting) {
      if (inMs > 0) {
        nextInMs = Math.min(nextInMs ?? inMs, inMs)
        continue
      }
      const endpoint = await this.#endpoint(accountId, webhookId)
      if (endpoint?.status === 'ACTIVE') due.push({ endpoint, room: roomOf(endpoint) })
    }
    return { due, nextInMs }
  }

  /** What waits, also for a retry whose job is due. */
  #waiting() {
    const { transact, queue } = this.#deps
    return transact.quiet('retries of deliveries that are due')(async (tx) => {
      const hasMoreRetries = await takeDueRetries(tx, queue)
      return { waiting: await readWaiting(tx), hasMoreRetries }
    })
  }

  /** Undefined: it was deleted, and what waits for it goes. */
  async #endpoint(accountId: string, webhookId: string): Promise<Endpoint | undefined> {
    const { endpoints, transact } = this.#deps
    const known = (await endpoints.known(accountId)).get(webhookId)
    if (known !== undefined) return known
    // It may be newer than what is known here.
    endpoints.forget(accountId)
    const fresh = (await endpoints.known(accountId)).get(webhookId)
    if (fresh === undefined)
      await transact.quiet('deliveries to a deleted webhook')((tx) => cancelDeliveries(tx, accountId, webhookId))
    return fresh
  }

  /** Takes up to as many as there is room for. */
  async claim(due: readonly Due[]): Promise<{ delivery: ClaimedDelivery; endpoint: Endpoint }[]> {
    if (due.length === 0) return []
    const byId = new Map(due.map(({ endpoint }) => [endpoint.id, endpoint]))
    const claimed = await this.#deps.transact.quiet('claims of deliveries')((tx) => this.#take(tx, due))
    return claimed.flatMap((delivery) => {
      const endpoint = byId.get(delivery.webhookId)
      return endpoint === undefined ? [] : [{ delivery, endpoint }]
    })
  }

  async #take(tx: Transaction, due: readonly Due[]): Promise<ClaimedDelivery[]> {
    tx.beside(commitSoon(tx))
    const rooms = due.map(({ endpoint, room }) => ({ webhookId: endpoint.id, room, order: endpoint.order }))
    return withEvents(tx, await claimDeliveries(tx, this.#deps.workerId, rooms))
  }
}

async function withEvents(tx: Transaction, claimed: readonly Omit<ClaimedDelivery, 'event'>[]) {
  if (claimed.length === 0) return []
  const places = claimed.map(({ eventXid: xid, eventSeq: seq, eventAt: at }) => ({ xid, seq, at }))
  const entries = await readEntriesAt(tx, places)
  const byPlace = new Map(entries.map((entry) => [compositeKey(entry.xid, entry.seq), entry]))
  return claimed.map((one) => ({ ...one, event: byPlace.get(compositeKey(one.eventXid, one.eventSeq)) }))
}
