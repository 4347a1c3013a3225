import { z } from 'zod'
import { actorShape, type EventTypes, eventTypesOf } from '#platform/journal/event-type.ts'
import type { WebhookEventType } from './events.ts'

const named = z.looseObject({ name: z.string() })
const summary = named.extend({ host: z.string(), events: z.array(z.string()), format: z.string() })
const attempt = z.looseObject({
  id: z.string().describe('The delivery.'),
  webhookId: z.string(),
  eventType: z.string(),
  status: z.string().describe('Of the delivery, after the attempt.'),
  attempt: z.int(),
  outcome: z.string().describe('Such as `success`, `server_error` or `timeout`.'),
  responseStatus: z.int().optional(),
  durationMs: z.number(),
  waitMs: z.number().optional().describe('Until the next attempt.'),
})

export const webhookEventCatalog: EventTypes<WebhookEventType> = {
  ...eventTypesOf(summary, {
    'webhook.created': 'A webhook was created.',
    'webhook.deleted': 'A webhook was deleted.',
  }),
  'webhook.updated': {
    description: 'A webhook was changed.',
    data: summary.extend({
      status: z.string(),
      maker: actorShape.optional().describe('The new maker, if it changed.'),
    }),
  },
  'webhook.secret_rotated': {
    description: 'A webhook got a new signing key.',
    data: summary.extend({ overlapUntil: z.iso.datetime(), maker: actorShape }),
  },
  'webhook.ping': {
    description: 'A webhook is being tested; only this webhook receives it.',
    data: named.extend({ payload: z.unknown().optional() }),
  },
  'webhook.failing': {
    description: 'Attempts keep failing: 50, 70, 90 or 100 % of the failures after which the webhook is disabled.',
    data: named.extend({ failures: z.int(), disableAfter: z.int(), percent: z.int() }),
  },
  'webhook.disabled': { description: 'The server disabled a webhook.', data: named.extend({ reason: z.string() }) },
  'webhook.redelivered': {
    description: 'Somebody asked for deliveries to be repeated.',
    data: named.extend({
      count: z.int(),
      deliveryId: z.string().optional(),
      failedSince: z.iso.datetime().optional(),
      eventsFrom: z.iso.datetime().optional(),
      eventsTo: z.iso.datetime().optional(),
    }),
  },
  'webhook.attempted': {
    description: 'Attempts at deliveries ended; one event for many. Webhooks never receive it.',
    data: z.looseObject({ attempts: z.array(attempt) }),
  },
}
