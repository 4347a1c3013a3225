import type { webhookBackoffs } from '#domain/webhooks/retry-plan.ts'
import type { signingMethods } from '#domain/webhooks/signature.ts'
import type {
  deliveryStatuses,
  webhookFormats,
  webhookMethods,
  webhookOrders,
  webhookStatuses,
} from '#domain/webhooks/webhook.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'

export const WebhookStatusEnum = builder.enumType('WebhookStatus', {
  description:
    'ACTIVE receives events. INACTIVE was disabled by a caller, FAILED by the server, because it accepted nothing any more or because its maker was removed or lacks `webhooks:admin`.',
  values: described<(typeof webhookStatuses)[number]>({
    ACTIVE: 'It receives events.',
    INACTIVE: 'A caller disabled it.',
    FAILED: 'The server disabled it.',
  }),
})

export const WebhookFormatEnum = builder.enumType('WebhookFormat', {
  description:
    'The format of the request body. STANDARD: `{ type, timestamp, id, subject, actor, account, data }` (Standard Webhooks). CLOUDEVENTS_STRUCTURED and CLOUDEVENTS_BINARY: CloudEvents 1.0, with the extensions `eventid`, `accountid`, `actorkind`, `actorid` and `actorname`. DOCUMENTED: `{ event, timestamp, id, subject, actor, account, data }`. SLACK, TEAMS and DISCORD: messages for their incoming webhooks. GRAPHQL: the response to a query of your own.',
  values: described<(typeof webhookFormats)[number]>({
    STANDARD: 'A body as in Standard Webhooks.',
    CLOUDEVENTS_STRUCTURED: 'CloudEvents 1.0 with everything in the body.',
    CLOUDEVENTS_BINARY: 'CloudEvents 1.0 with the attributes in headers.',
    DOCUMENTED: 'A body with `event` and `timestamp` first.',
    SLACK: 'A message for an incoming webhook of Slack.',
    TEAMS: 'A message for an incoming webhook of Microsoft Teams.',
    DISCORD: 'A message for an incoming webhook of Discord.',
    GRAPHQL: 'The response to a query of your own.',
  }),
})

export const WebhookMethodEnum = builder.enumType('WebhookMethod', {
  description: 'The method of the requests.',
  values: described<(typeof webhookMethods)[number]>({
    POST: 'The default.',
    PUT: 'For receivers that expect it.',
  }),
})

export const WebhookOrderEnum = builder.enumType('WebhookOrder', {
  description:
    'NONE: no guaranteed order. PER_SUBJECT: events of one subject, such as `task:<id>`, arrive in order and wait for earlier ones that failed; subjects do not wait for each other.',
  values: described<(typeof webhookOrders)[number]>({
    NONE: 'No guaranteed order.',
    PER_SUBJECT: 'Events of one subject arrive in order.',
  }),
})

export const WebhookBackoffEnum = builder.enumType('WebhookBackoff', {
  description: 'How the delay between attempts grows; SCHEDULE uses a list of delays.',
  values: described<(typeof webhookBackoffs)[number]>({
    SCHEDULE: 'A list of delays.',
    FIXED: 'Always the same.',
    LINEAR: 'Grows by the same amount each time.',
    EXPONENTIAL: 'Doubles each time.',
  }),
})

export const SigningMethodEnum = builder.enumType('SigningMethod', {
  description: 'HMAC_SHA256: a shared secret (`v1`). ED25519: a key pair, verified with the public key (`v1a`).',
  values: described<(typeof signingMethods)[number]>({
    HMAC_SHA256: 'A shared secret (`v1`).',
    ED25519: 'A key pair, verified with the public key (`v1a`).',
  }),
})

export const DeliveryStatusEnum = builder.enumType('DeliveryStatus', {
  description:
    'PENDING waits for its next attempt, ACTIVE has one in progress. DELIVERED was accepted. FAILED has no attempt left. SKIPPED: its query had nothing to send. CANCELLED: its webhook was deleted.',
  values: described<(typeof deliveryStatuses)[number]>({
    PENDING: 'It is waiting for its next attempt.',
    ACTIVE: 'An attempt is in progress.',
    DELIVERED: 'The receiver accepted it.',
    FAILED: 'No attempt is left.',
    SKIPPED: 'The query of the webhook had nothing to send.',
    CANCELLED: 'The webhook was deleted.',
  }),
})
