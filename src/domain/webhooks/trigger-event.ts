import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import { type InvalidInput, invalidInput } from '#lib/errors.ts'
import { inexactNumber } from '#lib/exact-json.ts'
import { newId } from '#lib/ids.ts'
import { isStorable } from '#lib/json.ts'
import { isNestedBeyond, tooDeep } from '#lib/json-depth.ts'
import { faultPath } from '#lib/json-rule.ts'
import { runOnce } from '#platform/database/idempotency.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import { ownFamilyOf } from '#platform/journal/own-families.ts'
import { readEntriesOf, readOwnXid } from '#platform/journal/store.ts'
import { deliveryId } from './delivery.ts'
import type { Endpoints } from './endpoints.ts'
import { isEventType } from './event-pattern.ts'
import { activeEndpoints, matchingEndpoints } from './matching-endpoints.ts'
import type { SightOf } from './sight.ts'

/** Somebody's own event. */
export interface Trigger {
  /** Such as `deployment.started`. */
  readonly type: string
  readonly data?: unknown
  /** What it is about; a new `event:<id>` when undefined. */
  readonly subject?: string | undefined
  readonly idempotencyKey?: string | undefined
}

export interface Triggered {
  readonly subject: string
  readonly type: string
  /** Whether it had been written before, under the same key. */
  readonly deduplicated: boolean
  /** Of the deliveries that follow. */
  readonly deliveryIds: readonly string[]
}

const dataBytes = 256 * 1024
const subjectForm = /^[a-z][a-z0-9_-]*:[^\s]{1,255}$/

export interface TriggerEventDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly endpoints: Endpoints
  readonly sightOf: SightOf
  readonly quotas: Pick<QuotaService, 'hold' | 'isExceeded'>
}

export function createTriggerEvent({ sql, transact, endpoints, sightOf, quotas }: TriggerEventDeps) {
  /**
   * Writes an event of the caller's own into the journal, from which all that follow it hear of it.
   * @throws {InvalidInput} @throws {IdempotencyKeyReused} @throws {QuotaExceeded}
   */
  return async (caller: Caller, { idempotencyKey: key, ...trigger }: Trigger): Promise<Triggered> => {
    caller.must('events:write')
    const { type, data, subject } = checked(trigger)
    const { accountId, principalId } = caller
    const keyed = { accountId, principalId, key, operation: 'triggerEvent', request: { ...trigger } }
    // Before the transaction: reading usage takes a connection of its own, and everybody could be waiting for one.
    const room = await roomFor(accountId, data, key)
    const published = transact((tx) =>
      runOnce(tx, keyed, async () => {
        if (typeof room !== 'function') throw room
        tx.journal({ accountId, type, subject, ...caller.by(), data })
        return `${await readOwnXid(tx)} ${subject}`
      }),
    )
    const { outcome, isRepeated } = await published.finally(() => typeof room !== 'function' || room())
    const [xid = '', written = ''] = [outcome.slice(0, outcome.indexOf(' ')), outcome.slice(outcome.indexOf(' ') + 1)]
    const [entry] = await readEntriesOf(sql, accountId, written, BigInt(xid))
    return {
      type,
      subject: written,
      deduplicated: isRepeated,
      deliveryIds: entry === undefined ? [] : await deliveriesOf(entry),
    }
  }

  /** Counts the event as stored. Under a key the refusal is returned: what was published before is answered all the same. */
  async function roomFor(accountId: string, data: object, key: string | undefined) {
    const storedBytes = Buffer.byteLength(JSON.stringify(data))
    return quotas.hold(accountId, { storedBytes }).catch((error: unknown) => {
      if (quotas.isExceeded(error) && key !== undefined) return error
      throw error
    })
  }

  async function deliveriesOf(entry: JournalEntry): Promise<string[]> {
    const accounts = await endpoints.of(sql, [entry.accountId])
    const found = await matchingEndpoints(await activeEndpoints(sql, accounts.get(entry.accountId), sightOf), entry)
    return found.map(({ endpoint }) => deliveryId(endpoint.id, entry))
  }
}

function checked({ type, data = {}, subject = `event:${newId()}` }: Omit<Trigger, 'idempotencyKey'>) {
  const family = ownFamilyOf(type)
  if (!isEventType(type)) throw invalid('type', 'must have the form a.b or a.b.c, such as deployment.started')
  if (family !== undefined) throw invalid('type', `events of the family ${family} are written by the server alone`)
  if (!subjectForm.test(subject)) throw invalid('subject', 'must have the form kind:id, such as release:v1.4')
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw invalid('data', 'must be an object')
  if (isNestedBeyond(data)) throw invalid('data', tooDeep())
  if (!isStorable({ data, subject })) throw invalid('data', 'holds a NUL character or half of a surrogate pair')
  const fault = inexactNumber(data)
  if (fault !== undefined) throw invalid(faultPath('data', fault), fault.message)
  if (Buffer.byteLength(JSON.stringify(data)) > dataBytes) throw invalid('data', `must have at most ${dataBytes} bytes`)
  return { type, subject, data: data as Record<string, unknown> }
}

function invalid(path: string, message: string): InvalidInput {
  return invalidInput('The event', [{ path, message }])
}
