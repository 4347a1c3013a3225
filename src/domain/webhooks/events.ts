import type { Caller } from '#domain/access/service.ts'
import type { By, NewEntry } from '#platform/journal/entry.ts'

/** What the journal says of webhooks. */
const webhookEventTypes = [
  'webhook.created',
  'webhook.updated',
  'webhook.deleted',
  'webhook.secret_rotated',
  'webhook.ping',
  'webhook.failing',
  'webhook.disabled',
  'webhook.redelivered',
  'webhook.attempted',
] as const
export type WebhookEventType = (typeof webhookEventTypes)[number]

/**
 * The outcomes of attempts; one entry covers many deliveries. Left out of event lists unless requested by name, and never
 * sent to webhooks: a delivery about a delivery would never end.
 */
export const attemptedType = 'webhook.attempted' satisfies WebhookEventType
export const quietWebhookEventTypes: readonly string[] = [attemptedType]

/** Goes to the one webhook that it names, whatever that one asks for. */
export const pingType = 'webhook.ping' satisfies WebhookEventType

/** After these, what is known of an account's webhooks is no longer true. */
export const changingTypes: ReadonlySet<string> = new Set<WebhookEventType>([
  'webhook.created',
  'webhook.updated',
  'webhook.deleted',
  'webhook.secret_rotated',
  'webhook.disabled',
])

/** Events after which all webhooks of an account are sent to, or none. */
export const accountStateTypes: ReadonlySet<string> = new Set(['auth.account_suspended', 'auth.account_resumed'])

export function webhookEvent(
  type: WebhookEventType,
  webhook: { readonly accountId: string; readonly id: string },
  { actor, origin }: By,
  data: object,
): NewEntry {
  return { accountId: webhook.accountId, type, subject: `webhook:${webhook.id}`, actor, origin, data: { ...data } }
}

/** Whether the caller may see events about webhooks. */
export function mayHearOfWebhook(caller: Caller): boolean {
  return caller.can('webhooks:admin')
}

/** The webhook that an entry is about; undefined for entries about other things. */
export function webhookIdOf(subject: string): string | undefined {
  return subject.startsWith('webhook:') ? subject.slice('webhook:'.length) : undefined
}
