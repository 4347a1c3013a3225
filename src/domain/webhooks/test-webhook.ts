import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import { inexactNumber } from '#lib/exact-json.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import { isNestedBeyond, tooDeep } from '#lib/json-depth.ts'
import { faultPath } from '#lib/json-rule.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import { readEntriesOf, readOwnXid } from '#platform/journal/store.ts'
import { deliveryId } from './delivery.ts'
import { EventGone, WebhookNotActive } from './errors.ts'
import { webhookEvent } from './events.ts'
import { invalidWebhook } from './webhook-input.ts'
import { lockOwnWebhook } from './webhook-rights.ts'

export interface TestWebhookDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly quotas: Pick<QuotaService, 'hold'>
}

const maxPingBytes = 64 * 1024

/** The command that sends a webhook an event for trying it. */
export function createTestWebhook({ sql, transact, quotas }: TestWebhookDeps) {
  /**
   * Sends a webhook an event of its own, `webhook.ping`, with this data; returns the delivery's id.
   * @throws {WebhookNotFound} @throws {WebhookNotActive} @throws {InvalidInput} @throws {QuotaExceeded}
   */
  async function test(caller: Caller, id: string, data: unknown): Promise<{ id: string; deliveryId: string }> {
    caller.must('webhooks:admin')
    const payload = data ?? {}
    if (isNestedBeyond(payload)) throw invalidWebhook([{ path: 'payload', message: tooDeep() }])
    if (!isStorable(payload)) throw invalidWebhook([{ path: 'payload', message: unstorable }])
    const fault = inexactNumber(payload)
    if (fault !== undefined) throw invalidWebhook([{ path: faultPath('payload', fault), message: fault.message }])
    const storedBytes = Buffer.byteLength(JSON.stringify(payload))
    if (storedBytes > maxPingBytes)
      throw invalidWebhook([{ path: 'data', message: `must have at most ${maxPingBytes} bytes` }])
    const release = await quotas.hold(caller.accountId, { storedBytes })
    const sent = transact(async (tx) => {
      const row = await lockOwnWebhook(tx, caller, id)
      if (row.status !== 'ACTIVE') throw new WebhookNotActive(id, row.status)
      tx.journal(webhookEvent('webhook.ping', row, caller.by(), { name: row.name, payload }))
      return readOwnXid(tx)
    })
    const xid = await sent.finally(release)
    const [ping] = await readEntriesOf(sql, caller.accountId, `webhook:${id}`, xid)
    if (ping === undefined) throw new EventGone()
    return { id, deliveryId: deliveryId(id, ping) }
  }

  return test
}
