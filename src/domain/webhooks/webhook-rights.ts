import type { Caller } from '#domain/access/service.ts'
import { isId } from '#lib/ids.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import { WebhookNotFound } from './errors.ts'
import { lockWebhook, type WebhookRow } from './store/webhooks.ts'
import type { WebhookSettings } from './webhook.ts'

/** A webhook of the caller's account, kept from changing until the transaction ends. @throws {WebhookNotFound} */
export async function lockOwnWebhook(tx: Transaction, caller: Caller, id: string): Promise<WebhookRow> {
  const row = isId(id) ? await lockWebhook(tx, caller.accountId, id) : undefined
  if (row === undefined) throw new WebhookNotFound(id)
  return row
}

/** Security events are for makers who may read the audit log. @throws {Forbidden} */
export function mustSeeSecurity(caller: Caller, { events }: Pick<WebhookSettings, 'events'>): void {
  if (events.some((pattern) => pattern.startsWith('auth.'))) caller.must('audit:read')
}
