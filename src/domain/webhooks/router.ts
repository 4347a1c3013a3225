import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Actor, JournalEntry } from '#platform/journal/entry.ts'
import { readBetween } from '#platform/journal/store.ts'
import type { JournalTail } from '#platform/journal/tail.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { JournalProjection, type JournalRange, type ProjectionBatch } from '#platform/work/journal-projection.ts'
import { deliveryId } from './delivery.ts'
import type { Endpoint } from './endpoint.ts'
import type { Endpoints } from './endpoints.ts'
import { attemptedType, webhookEvent, webhookIdOf } from './events.ts'
import { type ActiveEndpoint, activeEndpoints, matchingEndpoints } from './matching-endpoints.ts'
import { lapsedReason, type SightOf } from './sight.ts'
import { insertDeliveries, type NewDelivery, type Settlement } from './store/deliveries.ts'
import { commitSoon, findRoutedAccounts, routerCursor } from './store/routing.ts'
import { disableWebhook } from './store/webhooks.ts'
import type { Undecided, UndecidedDeliveries } from './undecided.ts'

/** Entries that are routed in one transaction: it is over within some hundredths of a second. */
const batchSize = 1_000
/** Deliveries that are written in one statement. */
const insertedAtOnce = 5_000
/** How long filters may take for one transaction, in milliseconds; what is left is routed in the next. */
const maxMatchingMs = 1_000
/** Between looks at the journal without a hint, in milliseconds. */
const intervalMs = 500
/** The cursor moves this seldom while there is nothing to route, in milliseconds. */
const idleCursorMs = 10_000

/** Can attempt deliveries as soon as they are created, without having to look for them. */
export interface Recipient {
  readonly workerId: number
  /** Whether there is room for one more to this webhook; it is taken then. */
  reserve(endpoint: Endpoint): boolean
  /** Gives room back that was taken. */
  release(endpoint: Endpoint): void
  /** These are committed, and their room is taken. */
  accept(delivery: NewDelivery, endpoint: Endpoint): void
  /** Others are committed, and wait. */
  hint(): void
}

export interface RouterDeps {
  readonly transact: Transact
  /** Knows up to where the order of the journal is final. */
  readonly tail: Pick<JournalTail, 'horizon'>
  readonly endpoints: Endpoints
  readonly sightOf: SightOf
  /** Called with each entry before it is matched: rights that it takes away are gone for it, too. */
  readonly onEntry: (entry: JournalEntry) => void
  readonly recipient: Recipient
  /** Records deliveries that a filter could not decide about. */
  readonly undecided: UndecidedDeliveries
  /** On entries about webhooks that are switched off. */
  readonly actor: Actor
  readonly log: Logger
}

interface Routed {
  readonly delivery: NewDelivery
  readonly endpoint: Endpoint
}

/**
 * Turns events into deliveries, each event once for each webhook that asks for it. What this process can attempt at once
 * it keeps, so that a delivery which nothing stands in the way of is written twice and never searched for.
 */
export class Router {
  readonly #deps: RouterDeps
  readonly #projection: JournalProjection
  #isIdle = false

  constructor(deps: RouterDeps) {
    this.#deps = deps
    const { transact, tail, log } = deps
    this.#projection = new JournalProjection({
      name: 'deliveries of what the journal has',
      ...{ transact, tail, cursor: routerCursor, intervalMs, idleCursorMs, log },
      begin: () => this.#beginBatch(),
    })
  }

  start(): void {
    this.#projection.start()
  }

  /** The journal has grown by this. */
  onJournalEntry(entry: JournalEntry): void {
    if (entry.type === attemptedType) return
    // No webhook listens: it is enough to move the cursor now and then.
    if (this.#isIdle && webhookIdOf(entry.subject) === undefined) return
    this.#projection.hint()
  }

  stop(): Promise<void> {
    return this.#projection.stop()
  }

  #beginBatch(): ProjectionBatch {
    const { recipient, undecided } = this.#deps
    const routed: Routed[] = []
    let failed: readonly Settlement[] = []
    return {
      project: async (tx, range) => {
        const entries = await this.#read(tx, range)
        if (entries.length === 0) return { last: undefined, isMore: false, isIdle: this.#isIdle }
        const matched = await this.#match(tx, entries, routed)
        failed = await undecided.record(tx, matched.undecided)
        this.#insert(tx, routed)
        const isMore = entries.length === batchSize || matched.routedCount < entries.length
        return { last: entries[matched.routedCount - 1], isMore }
      },
      committed() {
        for (const { delivery, endpoint } of routed) if (delivery.isClaimed) recipient.accept(delivery, endpoint)
        undecided.report(failed)
        if (routed.some(({ delivery }) => !delivery.isClaimed)) recipient.hint()
      },
      failed() {
        for (const { delivery, endpoint } of routed) if (delivery.isClaimed) recipient.release(endpoint)
      },
    }
  }

  #insert(tx: Transaction, routed: readonly Routed[]): void {
    const rows = routed.map(({ delivery }) => delivery)
    for (let at = 0; at < rows.length; at += insertedAtOnce)
      tx.beside(insertDeliveries(tx, rows.slice(at, at + insertedAtOnce), this.#deps.recipient.workerId))
  }

  async #read(tx: Transaction, range: JournalRange): Promise<readonly JournalEntry[]> {
    tx.beside(commitSoon(tx))
    // After the end of the range was read: a webhook that was created before it is among those that are found.
    const accountIds = await findRoutedAccounts(tx)
    this.#isIdle = accountIds.length === 0
    if (this.#isIdle) return []
    return readBetween(tx, range, { accountIds, excludedTypes: [attemptedType] }, batchSize)
  }

  /** Matches entries in order, for as long as filters may take in one transaction; one entry at least. Adds to `made`. */
  async #match(tx: Transaction, entries: readonly JournalEntry[], made: Routed[]) {
    const webhooks = await this.#webhooks(tx, entries)
    const undecided: Undecided[] = []
    const startedAt = performance.now()
    let routedCount = 0
    for (const event of entries) {
      for (const { endpoint, isDecided } of await matchingEndpoints(webhooks.get(event.accountId) ?? [], event))
        if (isDecided) made.push({ endpoint, delivery: this.#delivery(event, endpoint) })
        else undecided.push({ endpoint, event })
      routedCount += 1
      if (performance.now() - startedAt > maxMatchingMs) break
    }
    return { undecided, routedCount }
  }

  /** The webhooks of the accounts whose entries these are; those whose makers may have none any more are switched off. */
  async #webhooks(tx: Transaction, entries: readonly JournalEntry[]): Promise<Map<string, ActiveEndpoint[]>> {
    const { endpoints, sightOf, onEntry } = this.#deps
    for (const entry of entries) onEntry(entry)
    const accounts = await endpoints.of(tx, [...new Set(entries.map(({ accountId }) => accountId))])
    const found = new Map<string, ActiveEndpoint[]>()
    for (const [accountId, all] of accounts) {
      const webhooks = await activeEndpoints(tx, all, sightOf)
      for (const { endpoint, sight } of webhooks) if (!sight.isValid) await this.#switchOff(tx, endpoint)
      found.set(accountId, webhooks)
    }
    return found
  }

  async #switchOff(tx: Transaction, endpoint: Endpoint): Promise<void> {
    const reason = lapsedReason(endpoint.maker)
    const name = await disableWebhook(tx, endpoint, reason)
    if (name === undefined) return
    tx.journal(webhookEvent('webhook.disabled', endpoint, { actor: this.#deps.actor }, { name, reason }))
  }

  #delivery(event: JournalEntry, endpoint: Endpoint): NewDelivery {
    const isOrdered = endpoint.order === 'PER_SUBJECT'
    return {
      accountId: event.accountId,
      id: deliveryId(endpoint.id, event),
      webhookId: endpoint.id,
      event,
      orderKey: isOrdered ? event.subject : undefined,
      // In order, something else may have to go first.
      isClaimed: !isOrdered && this.#deps.recipient.reserve(endpoint),
    }
  }
}
