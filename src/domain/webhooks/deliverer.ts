import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '#lib/within.ts'
import type { DatabaseSession } from '#platform/database/session.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { WorkLoop } from '#platform/work/work-loop.ts'
import { Claimer } from './claimer.ts'
import type { AttemptResult, ClaimedDelivery } from './delivery.ts'
import type { Endpoint } from './endpoint.ts'
import type { EndpointThrottle } from './endpoint-throttle.ts'
import { EndpointThrottles } from './endpoint-throttles.ts'
import type { Endpoints } from './endpoints.ts'
import { fairShares } from './fair-shares.ts'
import { settle, tellsOfReceiver } from './outcome.ts'
import type { Recipient } from './router.ts'
import type { Send } from './sender.ts'
import { type NewDelivery, releaseDeliveries, type Settlement } from './store/deliveries.ts'

export interface DelivererDeps {
  readonly transact: Transact
  readonly queue: Pick<Queue, 'claim'>
  readonly endpoints: Endpoints
  readonly send: Send
  readonly settle: (settlement: Settlement) => Promise<boolean>
  readonly onSettled: (settlement: Settlement) => void
  readonly workerId: number
  readonly session: Pick<DatabaseSession, 'connection'>
  /** Attempts under way at once. */
  readonly slots: number
  readonly log: Logger
}

/** How often it looks for what is due, in milliseconds, if nothing tells it to look sooner. */
const lookIntervalMs = 500
const minWaitMs = 5
/** While little is free, as much as becomes free in this time is taken together, in milliseconds. */
const gatherMs = 20
/** Attempts whose outcome is not written down yet, before nothing new is begun. */
const maxSettling = 2_000
const settleTries = 3
const settleAgainMs = 500
/** How long a stop waits for what it has aborted, or what is being written, in milliseconds. */
const lastWordMs = 1_000

/**
 * Attempts deliveries, as many at once as there are slots, and of each webhook as many as its throttle has room for. What is
 * due is looked for webhook by webhook, so one that takes nothing never stands before the others.
 */
export class Deliverer implements Recipient {
  readonly #deps: DelivererDeps
  readonly #claimer: Claimer
  readonly #throttles = new EndpointThrottles()
  /** Webhooks of which more is due than was taken: what is new has to wait behind it. */
  readonly #behind = new Set<string>()
  readonly #attempts = new Set<Promise<void>>()
  readonly #abort = new AbortController()
  #taken = 0
  #settling = 0
  readonly #loop: WorkLoop
  /** Something may be due for which there was no slot. */
  #isStarved = false
  #stopped = false

  constructor(deps: DelivererDeps) {
    this.#deps = deps
    this.#claimer = new Claimer(deps)
    this.#loop = new WorkLoop({
      name: 'search for due deliveries',
      work: () => this.#claim(),
      intervalMs: lookIntervalMs,
      hintDelayMs: () => this.#hintedMs,
      restMs: minWaitMs,
      log: deps.log,
    })
  }

  get workerId(): number {
    return this.#deps.workerId
  }

  /** Attempts under way. */
  get running(): number {
    return this.#taken
  }

  /** Webhooks whose circuit is open. */
  get openCircuits(): number {
    return this.#throttles.openCircuits(Date.now())
  }

  start(): void {
    this.#loop.start(0)
  }

  reserve(endpoint: Endpoint): boolean {
    if (this.#stopped || this.#free <= 0 || this.#behind.has(endpoint.id)) return false
    const throttle = this.#throttles.of(endpoint.id)
    if (throttle.room(endpoint, Date.now()) < 1) return false
    this.#take(throttle)
    return true
  }

  release({ id }: Endpoint): void {
    this.#giveBack(this.#throttles.of(id), undefined)
  }

  accept(made: NewDelivery, endpoint: Endpoint): void {
    const { accountId, id, webhookId, event } = made
    const { xid: eventXid, seq: eventSeq, at: eventAt } = event
    const delivery = { accountId, id, webhookId, event, eventXid, eventSeq, eventAt, attempt: 0, attemptBase: 0 }
    this.#begin(delivery, endpoint)
  }

  hint(): void {
    this.#loop.hint()
  }

  /** Takes nothing new, lets what is under way end for up to `limitMs`, and gives the rest back. */
  async stop(limitMs: number): Promise<void> {
    this.#stopped = true
    await within(lastWordMs, this.#loop.stop())
    await within(limitMs, Promise.allSettled(this.#attempts))
    this.#abort.abort()
    await within(lastWordMs, Promise.allSettled(this.#attempts))
    // Without it, others find out that this process is gone.
    const releasing = this.#deps.transact.quiet('claims of deliveries')((tx) => releaseDeliveries(tx, [this.workerId]))
    await within(lastWordMs, Promise.allSettled([releasing]))
  }

  /** How many more attempts can be begun. */
  get #free(): number {
    if (this.#deps.session.connection === undefined) return 0
    return this.#settling >= maxSettling ? 0 : this.#deps.slots - this.#taken
  }

  /** After how long a hint is followed. */
  get #hintedMs(): number {
    return this.#free * 4 >= this.#deps.slots ? 0 : gatherMs
  }

  #take(throttle: EndpointThrottle, count = 1): void {
    throttle.begin(count)
    this.#taken += count
  }

  #giveBack(throttle: EndpointThrottle, isWell: boolean | undefined): void {
    throttle.end(isWell, Date.now())
    this.#taken -= 1
  }

  async #claim(): Promise<void> {
    const free = this.#free
    this.#isStarved = free <= 0
    if (this.#isStarved) return
    const now = Date.now()
    this.#throttles.forgetIdle(now)
    const { due, nextInMs } = await this.#claimer.find((endpoint) =>
      this.#throttles.of(endpoint.id).room(endpoint, now),
    )
    if (nextInMs !== undefined) this.#loop.runIn(Math.max(minWaitMs, nextInMs))
    this.#behind.clear()
    for (const { endpoint } of due) {
      this.#behind.add(endpoint.id)
      this.#lookWhenOpen(endpoint, now)
    }
    const rooms = fairShares(due, free)
    for (const { endpoint, room } of rooms) this.#take(this.#throttles.of(endpoint.id), room)
    const left = new Map(rooms.map(({ endpoint, room }) => [endpoint.id, room]))
    try {
      const claimed = await this.#claimer.claim(rooms)
      for (const { delivery, endpoint } of claimed) {
        left.set(endpoint.id, (left.get(endpoint.id) ?? 0) - 1)
        this.#begin(delivery, endpoint)
      }
      for (const [id, rest] of left) if (rest > 0) this.#behind.delete(id)
    } finally {
      for (const [id, rest] of left)
        for (let unused = 0; unused < rest; unused += 1) this.#giveBack(this.#throttles.of(id), undefined)
    }
  }

  #lookWhenOpen(endpoint: Endpoint, now: number): void {
    const at = this.#throttles.of(endpoint.id).roomAt(endpoint, now)
    if (at !== undefined) this.#loop.runIn(Math.max(minWaitMs, at - now))
  }

  #begin(delivery: ClaimedDelivery, endpoint: Endpoint): void {
    const attempt = this.#attempt(delivery, endpoint).finally(() => this.#attempts.delete(attempt))
    this.#attempts.add(attempt)
  }

  async #attempt(delivery: ClaimedDelivery, endpoint: Endpoint): Promise<void> {
    try {
      const result = await this.#send(delivery, endpoint)
      const settled = settle(endpoint.retry, delivery, result, Math.random())
      // The place is free again: while one outcome is being written down, the next request is under way.
      this.#settling += 1
      await this.#finish({ delivery, result, settled })
    } catch (error) {
      // It stays taken until it has been so for too long, and is attempted again.
      if (!this.#stopped) this.#deps.log.error({ err: error, deliveryId: delivery.id }, 'an attempt was not settled')
    } finally {
      if (this.#isStarved || this.#behind.has(endpoint.id) || endpoint.order === 'PER_SUBJECT') this.hint()
    }
  }

  async #send(delivery: ClaimedDelivery, endpoint: Endpoint): Promise<AttemptResult> {
    const throttle = this.#throttles.of(endpoint.id)
    let isWell: boolean | undefined
    try {
      const result = await this.#deps.send(endpoint, delivery, this.#abort.signal)
      isWell = tellsOfReceiver(result)
      return result
    } finally {
      this.#giveBack(throttle, isWell)
    }
  }

  async #finish(settlement: Settlement): Promise<void> {
    try {
      if (!(await this.#settle(settlement))) return
      this.#deps.onSettled(settlement)
      if (settlement.settled.waitMs !== undefined) this.#loop.runIn(settlement.settled.waitMs + minWaitMs)
    } finally {
      this.#settling -= 1
    }
  }

  /** What was sent should not be sent again because the database was away for a moment. */
  async #settle(settlement: Settlement): Promise<boolean> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#deps.settle(settlement)
      } catch (error) {
        if (tried === settleTries || this.#stopped) throw error
        await sleep(settleAgainMs * tried)
      }
    }
  }
}
