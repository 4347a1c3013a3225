import { z } from 'zod'
import type { DeliveryFactsFragment, WebhookFactsFragment, WebhookFormat } from './generated/graphql.ts'

const providers = [
  'standard',
  'cloudevents-structured',
  'cloudevents-binary',
  'documented',
  'slack',
  'teams',
  'discord',
  'graphql',
] as const
type Provider = (typeof providers)[number]
/** What can be asked for here; a query needs GraphQL's own mutation. */
export const providerRequest = z.enum(providers).exclude(['graphql'])

const providerOf = {
  STANDARD: 'standard',
  CLOUDEVENTS_STRUCTURED: 'cloudevents-structured',
  CLOUDEVENTS_BINARY: 'cloudevents-binary',
  DOCUMENTED: 'documented',
  SLACK: 'slack',
  TEAMS: 'teams',
  DISCORD: 'discord',
  GRAPHQL: 'graphql',
} as const satisfies Record<WebhookFormat, Provider>

/** The format that a provider takes. */
export function formatOf(provider: Provider): WebhookFormat {
  return provider.toUpperCase().replace('-', '_') as WebhookFormat
}

export const webhookStatuses = ['active', 'inactive', 'failed'] as const

export const webhook = z
  .object({
    id: z.string(),
    name: z.string(),
    event: z.string().describe('The first of `events`.'),
    events: z.array(z.string()).describe('Types, families such as `task.*`, or `*`.'),
    eventWarnings: z.array(z.string()).describe('Likely mistakes in `events`: types that the server never writes.'),
    provider: z.enum(providers).describe('The format of the request body.'),
    config: z.object({
      url: z.string(),
      method: z.enum(['POST', 'PUT']),
      headers: z.record(z.string(), z.string()).describe('Values that look secret are masked.'),
      filter: z.unknown().describe('A condition on the event’s data; null: every event matches.'),
    }),
    timeout: z.int().describe('How long a request may take, in milliseconds.'),
    retryCount: z.int().describe('Maximum number of retries after the first attempt.'),
    retryDelay: z.int().describe('Delay before the first retry, in milliseconds.'),
    status: z.enum(webhookStatuses),
    lastDeliveryAt: z.iso.datetime().nullable(),
    errorCount: z.int().describe('Number of failed requests.'),
    createdBy: z.string(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Webhook', description: 'An endpoint that receives events.' })

export const deliveryStatuses = ['pending', 'active', 'delivered', 'failed', 'skipped', 'cancelled'] as const

export const delivery = z
  .object({
    id: z.string().describe('Sent to the receiver as `webhook-id`.'),
    event: z.string(),
    subject: z.string().describe('The subject of the event, such as `task:<id>`.'),
    status: z.enum(deliveryStatuses),
    attempts: z.int().describe('Number of attempts so far.'),
    outcome: z.string().nullable().describe('Of the last attempt, such as `success`, `server_error` or `timeout`.'),
    responseStatus: z.int().nullable(),
    createdAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().nullable(),
    nextAttemptAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'WebhookDelivery', description: 'One event for one webhook.' })

export function toWebhook(facts: WebhookFactsFragment): object {
  const {
    id,
    name,
    events,
    eventWarnings,
    url,
    method,
    headers,
    filter,
    format,
    timeoutMs,
    retry,
    status,
    statistics,
  } = facts
  return {
    id,
    name,
    event: events[0] ?? '',
    events,
    eventWarnings,
    provider: providerOf[format],
    config: { url, method, headers, filter },
    timeout: timeoutMs,
    retryCount: retry.maxAttempts - 1,
    retryDelay: retry.delayMs,
    status: status.toLowerCase(),
    lastDeliveryAt: statistics.lastDeliveryAt,
    errorCount: statistics.failedAttempts,
    createdBy: facts.createdBy.name,
    createdAt: facts.createdAt,
    updatedAt: facts.updatedAt,
  }
}

export function toDelivery({ eventType, status, attempt, ...facts }: DeliveryFactsFragment): object {
  return { ...facts, event: eventType, status: status.toLowerCase(), attempts: attempt }
}
