import type { Transact, Transaction } from '#platform/database/transaction.ts'
import { type Actor, comparePositions, type JournalEntry, type Position } from '#platform/journal/entry.ts'
import { readBetween, readEnd } from '#platform/journal/store.ts'
import type { JournalTail } from '#platform/journal/tail.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { WorkLoop } from '#platform/work/work-loop.ts'
import { addressees } from './addressees.ts'
import { deliveryId } from './delivery.ts'
import type { Endpoint } from './endpoint.ts'
import type { Endpoints } from './endpoints.ts'
import { attemptedType, webhookEvent, webhookIdOf } from './events.ts'
import { lapsedReason, type Seeing, type SightOf, seeingEndpoints } from './sight.ts'
import { insertDeliveries, type NewDelivery, type Settlement } from './store/deliveries.ts'
import { commitSoon, findRoutedAccounts, moveRouterCursor, readRouterCursor, tryLockRouter } from './store/routing.ts'
import { disableWebhook } from './store/webhooks.ts'
import type { Undecided, UndecidedDeliveries } from './undecided.ts'

/** Entries that are routed in one transaction: it is over within some hundredths of a second. */
const batchSize = 1_000
/** Deliveries that are written in one statement. */
const insertedAtOnce = 5_000
/** How long filters may take for one transaction, in milliseconds; what is left is routed in the next. */
const maxMatchingMs = 1_000
/** How often it looks by itself, in milliseconds. */
const lookIntervalMs = 500
/** How long the cursor stays where it is while there is nothing to route, so that it doesn't change each time. */
const idleCursorMs = 10_000

/** Who can attempt deliveries as soon as they are made, without their having to be looked for. */
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

/** What a transaction made of entries. */
interface Outcome {
  readonly made: Routed[]
  /** Of the same entries, for webhooks whose filters could not decide; settled as failed. */
  readonly failed: readonly Settlement[]
}

/**
 * Turns what happened into deliveries, each event once for each webhook that asks for it: deliveries and cursor are
 * written in one transaction. All processes offer themselves, and one at a time does it, for as long as its transaction
 * lasts; so another one goes on within a second of a process's end. What this process can attempt at once it keeps, so
 * that a delivery which nothing stands in the way of is written twice and never searched for.
 */
export class Router {
  readonly #deps: RouterDeps
  readonly #loop: WorkLoop
  #isIdle = false
  #isStopped = false
  #movedAt = 0

  constructor(deps: RouterDeps) {
    this.#deps = deps
    this.#loop = new WorkLoop({
      name: 'routing of events to webhooks',
      work: () => this.#routeAll(),
      intervalMs: lookIntervalMs,
      log: deps.log,
    })
  }

  start(): void {
    this.#loop.start()
  }

  /** The journal has grown by this. */
  onJournalEntry(entry: JournalEntry): void {
    if (entry.type === attemptedType) return
    // No webhook listens: it is enough to move the cursor now and then.
    if (this.#isIdle && webhookIdOf(entry.subject) === undefined) return
    this.#loop.hint()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#loop.stop()
  }

  async #routeAll(): Promise<void> {
    while (!this.#isStopped && (await this.#routeNext()));
  }

  /** Routes a batch; returns whether there may be more. */
  async #routeNext(): Promise<boolean> {
    const { transact, recipient, undecided } = this.#deps
    let routed: Routed[] = []
    let failed: readonly Settlement[] = []
    const giveBack = () => {
      for (const { delivery, endpoint } of routed) if (delivery.isClaimed) recipient.release(endpoint)
      routed = []
    }
    try {
      const isMore = await transact.quiet('deliveries of what the journal has')(async (tx) => {
        // The transaction may be run again.
        giveBack()
        return this.#route(tx, (outcome) => {
          routed = outcome.made
          failed = outcome.failed
        })
      })
      for (const { delivery, endpoint } of routed) if (delivery.isClaimed) recipient.accept(delivery, endpoint)
      undecided.report(failed)
      if (routed.some(({ delivery }) => !delivery.isClaimed)) recipient.hint()
      return isMore
    } catch (error) {
      giveBack()
      throw error
    }
  }

  async #route(tx: Transaction, onMade: (outcome: Outcome) => void): Promise<boolean> {
    // Until it writes, this transaction has no number, and so holds nobody back who reads the journal.
    if (!(await tryLockRouter(tx))) return false
    tx.beside(commitSoon(tx))
    // In this order: a webhook that was made before the end is among those that are found.
    const [cursor, end] = await Promise.all([readRouterCursor(tx), readEnd(tx, this.#deps.tail.horizon)])
    const accountIds = await findRoutedAccounts(tx)
    this.#isIdle = accountIds.length === 0
    const entries = await this.#read(tx, cursor, end, accountIds)
    if (entries.length === 0) {
      const isDue = this.#isIdle || performance.now() - this.#movedAt > idleCursorMs
      if (isDue && comparePositions(end, cursor) > 0) this.#move(tx, end)
      return false
    }
    const { made, undecided, routedCount } = await this.#match(tx, entries)
    const failed = await this.#deps.undecided.record(tx, undecided)
    onMade({ made, failed })
    const rows = made.map(({ delivery }) => delivery)
    for (let at = 0; at < rows.length; at += insertedAtOnce)
      tx.beside(insertDeliveries(tx, rows.slice(at, at + insertedAtOnce), this.#deps.recipient.workerId))
    const isMore = entries.length === batchSize || routedCount < entries.length
    this.#move(tx, isMore ? (entries[routedCount - 1] ?? end) : end)
    return isMore
  }

  #move(tx: Transaction, position: Position): void {
    this.#movedAt = performance.now()
    tx.beside(moveRouterCursor(tx, position))
  }

  async #read(tx: Transaction, after: Position, upTo: Position, accountIds: readonly string[]) {
    if (accountIds.length === 0) return []
    return readBetween(tx, { after, upTo }, { accountIds, excludedTypes: [attemptedType] }, batchSize)
  }

  /** Matches entries in order, for as long as filters may take in one transaction; one entry at least. */
  async #match(tx: Transaction, entries: readonly JournalEntry[]) {
    const webhooks = await this.#webhooks(tx, entries)
    const made: Routed[] = []
    const undecided: Undecided[] = []
    const startedAt = performance.now()
    let routedCount = 0
    for (const event of entries) {
      for (const { endpoint, isDecided } of await addressees(webhooks.get(event.accountId) ?? [], event))
        if (isDecided) made.push({ endpoint, delivery: this.#delivery(event, endpoint) })
        else undecided.push({ endpoint, event })
      routedCount += 1
      if (performance.now() - startedAt > maxMatchingMs) break
    }
    return { made, undecided, routedCount }
  }

  /** The webhooks of the accounts whose entries these are; those whose makers may have none any more are switched off. */
  async #webhooks(tx: Transaction, entries: readonly JournalEntry[]): Promise<Map<string, Seeing[]>> {
    const { endpoints, sightOf, onEntry } = this.#deps
    for (const entry of entries) onEntry(entry)
    const accounts = await endpoints.of(tx, [...new Set(entries.map(({ accountId }) => accountId))])
    const found = new Map<string, Seeing[]>()
    for (const [accountId, all] of accounts) {
      const webhooks = await seeingEndpoints(tx, all, sightOf)
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
