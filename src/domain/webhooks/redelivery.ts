import type { Caller } from '#domain/access/service.ts'
import { invalidInput } from '#lib/errors.ts'
import { isId, newId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { JournalEntry, Position } from '#platform/journal/entry.ts'
import type { Journal } from '#platform/journal/journal.ts'
import { readEntriesAt, readWithin } from '#platform/journal/store.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { deliveryId } from './delivery.ts'
import type { Endpoint } from './endpoint.ts'
import type { Endpoints } from './endpoints.ts'
import { DeliveryNotFound, EventGone, WebhookNotActive, WebhookNotFound } from './errors.ts'
import { attemptedType, pingType, webhookEvent } from './events.ts'
import type { ActiveEndpoint } from './matching-endpoints.ts'
import { sendRetryJobs } from './retry-jobs.ts'
import { journalAttempts } from './settler.ts'
import type { SightOf } from './sight.ts'
import { insertDeliveries, insertFailedDeliveries } from './store/deliveries.ts'
import { findFailed, lockDelivery, reopenDeliveries } from './store/redelivery.ts'
import { settlementOf } from './undecided.ts'

/** What is to be delivered again: one delivery, what has failed of a webhook since a time, or the events of a time. */
export interface Redelivery {
  readonly deliveryId?: string | undefined
  readonly webhookId?: string | undefined
  readonly failedSince?: Date | undefined
  readonly eventsFrom?: Date | undefined
  /** Now when undefined. */
  readonly eventsTo?: Date | undefined
  /** Only counts. */
  readonly dryRun?: boolean | undefined
}

export interface Redelivered {
  readonly count: number
  /** Whether there is more than one call does: it can be made again. */
  readonly isMore: boolean
}

const maxAtOnce = 100_000
const pageSize = 1_000
const firstId = '00000000-0000-0000-0000-000000000000'

export interface RedeliveryDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Pick<Queue, 'send'>
  readonly journal: Pick<Journal, 'endNow'>
  readonly endpoints: Endpoints
  readonly sightOf: SightOf
}

/** Delivers again: under the same id, from the beginning of the webhook's plan. */
export function createRedelivery({ sql, transact, queue, journal, endpoints, sightOf }: RedeliveryDeps) {
  /**
   * @throws {DeliveryNotFound} @throws {WebhookNotFound} @throws {WebhookNotActive} @throws {EventGone}
   * @throws {InvalidInput}
   */
  return async (caller: Caller, asked: Redelivery): Promise<Redelivered> => {
    caller.must('webhooks:admin')
    mustBeOneKind(asked)
    if (asked.deliveryId !== undefined) return one(caller, asked.deliveryId, asked.dryRun === true)
    const endpoint = await activeEndpoint(caller, asked.webhookId ?? '')
    return asked.failedSince === undefined
      ? eventsOf(caller, endpoint, asked)
      : failedOf(caller, endpoint, asked, asked.failedSince)
  }

  /** Each page says for itself what it has done: it is there even if this process goes away before the next one. */
  function note(tx: Transaction, caller: Caller, endpoint: Endpoint, asked: Redelivery, count: number): void {
    const { failedSince, eventsFrom, eventsTo } = asked
    const data = { name: endpoint.name, count, failedSince, eventsFrom, eventsTo }
    tx.journal(webhookEvent('webhook.redelivered', endpoint, caller.by(), data))
  }

  async function one(caller: Caller, id: string, dryRun: boolean): Promise<Redelivered> {
    return transact(async (tx) => {
      const row = isId(id) ? await lockDelivery(tx, caller.accountId, id) : undefined
      if (row === undefined) throw new DeliveryNotFound(id)
      const endpoint = await activeEndpoint(caller, row.webhookId, tx)
      const place = { xid: BigInt(row.xid), seq: BigInt(row.seq), at: row.at }
      if ((await readEntriesAt(tx, [place])).length === 0) throw new EventGone()
      // What waits already, or is under way, is attempted anyway.
      const isWaiting = row.status === 'PENDING' || row.status === 'ACTIVE'
      if (dryRun || isWaiting) return { count: isWaiting ? 0 : 1, isMore: false }
      const count = await reopen(tx, caller.accountId, row.webhookId, [id])
      const data = { name: endpoint.name, count, deliveryId: id }
      tx.journal(webhookEvent('webhook.redelivered', endpoint, caller.by(), data))
      return { count, isMore: false }
    })
  }

  async function activeEndpoint({ accountId }: Caller, id: string, from: Sql = sql): Promise<Endpoint> {
    const accounts = await endpoints.of(from, [accountId])
    const endpoint = accounts.get(accountId)?.get(id)
    if (endpoint === undefined) throw new WebhookNotFound(id)
    if (endpoint.status !== 'ACTIVE') throw new WebhookNotActive(id, endpoint.status)
    return endpoint
  }

  /** Lets these be attempted again, as jobs that are due at once; returns how many are. */
  async function reopen(tx: Transaction, accountId: string, webhookId: string, ids: readonly string[]) {
    const jobs = ids.map((deliveryId) => ({ deliveryId, jobId: newId() }))
    const reopened = await reopenDeliveries(tx, accountId, webhookId, jobs)
    await sendRetryJobs(tx, queue, reopened)
    return reopened.length
  }

  /** Page by page, each in a transaction of its own, so that nobody is held up. */
  async function failedOf(caller: Caller, endpoint: Endpoint, asked: Redelivery, since: Date): Promise<Redelivered> {
    const { accountId, id } = endpoint
    let count = 0
    for (let after = firstId; count < maxAtOnce; ) {
      const page = { after, since, limit: pageSize }
      const ids = await transact(async (tx) => {
        const found = await findFailed(tx, accountId, id, page)
        if (asked.dryRun === true || found.length === 0) return found
        await reopen(tx, accountId, id, found)
        note(tx, caller, endpoint, asked, found.length)
        return found
      })
      count += ids.length
      after = ids.at(-1) ?? after
      if (ids.length < pageSize) return { count, isMore: false }
    }
    return { count, isMore: true }
  }

  async function eventsOf(caller: Caller, endpoint: Endpoint, asked: Redelivery): Promise<Redelivered> {
    const { accountId } = endpoint
    const time = { from: asked.eventsFrom ?? new Date(), to: asked.eventsTo ?? new Date() }
    const upTo = await journal.endNow()
    let after: Position = { xid: 0n, seq: 0n }
    for (let count = 0; ; ) {
      const read = await readWithin(sql, accountId, time, { after, upTo }, pageSize)
      const { events, undecided } = await match({ endpoint, sight: await sightOf(sql, endpoint) }, read)
      if (asked.dryRun !== true && events.length + undecided.length > 0)
        await transact(async (tx) => {
          await deliverAgain(tx, endpoint, events)
          const settlements = undecided.map((event) => settlementOf({ endpoint, event }))
          const failed = await insertFailedDeliveries(tx, settlements)
          const made = settlements.filter(({ delivery }) => failed.has(delivery.id))
          journalAttempts(tx, caller.actor, made)
          if (events.length > 0) note(tx, caller, endpoint, asked, events.length)
        })
      count += events.length
      after = read.at(-1) ?? after
      if (read.length < pageSize) return { count, isMore: false }
      if (count >= maxAtOnce) return { count, isMore: true }
    }
  }

  /** Deliveries that were never created are created now, under the id that they would have had. */
  async function deliverAgain(tx: Transaction, endpoint: Endpoint, events: Awaited<ReturnType<typeof readWithin>>) {
    const { accountId, id: webhookId, order } = endpoint
    const rows = events.map((event) => ({
      accountId,
      id: deliveryId(webhookId, event),
      webhookId,
      event,
      orderKey: order === 'PER_SUBJECT' ? event.subject : undefined,
      isClaimed: false,
    }))
    const ids = rows.map(({ id }) => id)
    await reopen(tx, accountId, webhookId, ids)
    await insertDeliveries(tx, rows, null)
  }
}

function mustBeOneKind({ deliveryId: id, webhookId, failedSince, eventsFrom, eventsTo }: Redelivery): void {
  const kinds = [id, failedSince, eventsFrom].filter((given) => given !== undefined)
  const fault =
    kinds.length !== 1
      ? 'exactly one of deliveryId, failedSince and eventsFrom must be given'
      : id === undefined && webhookId === undefined
        ? 'webhookId must say whose deliveries'
        : eventsTo !== undefined && eventsFrom === undefined
          ? 'eventsTo goes with eventsFrom'
          : undefined
  if (fault !== undefined) throw invalidInput('The redelivery', [{ path: '', message: fault }])
}

/** The entries that a webhook asks for, and those that its filter takes too much for. */
async function match({ endpoint, sight }: ActiveEndpoint, entries: readonly JournalEntry[]) {
  const events: JournalEntry[] = []
  const undecided: JournalEntry[] = []
  for (const entry of entries) {
    if (entry.type === attemptedType || entry.type === pingType) continue
    const matched = await endpoint.matches(entry, sight)
    if (matched === 'MATCHED') events.push(entry)
    if (matched === 'UNDECIDED') undecided.push(entry)
  }
  return { events, undecided }
}
