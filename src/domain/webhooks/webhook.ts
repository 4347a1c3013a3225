import type { Actor } from '#platform/journal/entry.ts'
import type { RetryPlan } from './retry-plan.ts'
import type { SigningMethod } from './signature.ts'

/** ACTIVE gets what happens; INACTIVE was switched off by somebody, FAILED by us: it took nothing any more, or its maker may have none. */
export const webhookStatuses = ['ACTIVE', 'INACTIVE', 'FAILED'] as const
export type WebhookStatus = (typeof webhookStatuses)[number]

/** What a delivery's body looks like. */
export const webhookFormats = [
  'STANDARD',
  'CLOUDEVENTS_STRUCTURED',
  'CLOUDEVENTS_BINARY',
  'DOCUMENTED',
  'SLACK',
  'TEAMS',
  'DISCORD',
  'GRAPHQL',
] as const
export type WebhookFormat = (typeof webhookFormats)[number]

export const webhookMethods = ['POST', 'PUT'] as const
export type WebhookMethod = (typeof webhookMethods)[number]

/** NONE: as they come. PER_SUBJECT: what happens to one subject arrives in its order, and waits for what failed before it. */
export const webhookOrders = ['NONE', 'PER_SUBJECT'] as const
export type WebhookOrder = (typeof webhookOrders)[number]

/** What somebody decides about a webhook. */
export interface WebhookSettings {
  readonly name: string
  readonly url: string
  /** Exact types, families such as `task.*`, or `*`. */
  readonly events: readonly string[]
  /** Undefined: all events of these types. */
  readonly filter: unknown
  readonly method: WebhookMethod
  /** Sent with each attempt. */
  readonly headers: Readonly<Record<string, string>>
  /** The same, never shown again. */
  readonly secretHeaders: Readonly<Record<string, string>>
  readonly format: WebhookFormat
  /** GRAPHQL: the query whose result is the body. */
  readonly document: string | undefined
  /** Paths of the payload that are left out of it. */
  readonly redact: readonly string[]
  readonly timeoutMs: number
  readonly retry: RetryPlan
  readonly order: WebhookOrder
  /** Attempts under way at once, by each process. */
  readonly concurrency: number
  /** Attempts begun in a second, by each process; undefined: as many as there are. */
  readonly ratePerSecond: number | undefined
  readonly signing: SigningMethod
}

/** Who has last said what a webhook sends, and where: it sends what they may see. */
export interface WebhookMaker {
  readonly actor: Actor
  readonly credential: { readonly kind: string; readonly id: string }
  readonly scopes: readonly string[]
}

/** How a delivery stands. SKIPPED: its document had nothing to say. CANCELLED: the webhook was deleted before. */
export const deliveryStatuses = ['PENDING', 'ACTIVE', 'DELIVERED', 'FAILED', 'SKIPPED', 'CANCELLED'] as const
export type DeliveryStatus = (typeof deliveryStatuses)[number]

/** A webhook whose verification key is shown this once. */
export interface KeyedWebhook {
  readonly id: string
  readonly secret: string
}
