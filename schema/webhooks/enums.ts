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
    'ACTIVE receives events. INACTIVE was switched off by somebody, FAILED by the server, because it took nothing any more or because its maker is gone or lacks `webhooks:admin`.',
  values: described<(typeof webhookStatuses)[number]>({
    ACTIVE: 'It receives events.',
    INACTIVE: 'Somebody has disabled it.',
    FAILED: 'The server has disabled it.',
  }),
})

export const WebhookFormatEnum = builder.enumType('WebhookFormat', {
  description:
    'What a body looks like. STANDARD: `{ type, timestamp, id, subject, actor, account, data }` (Standard Webhooks). CLOUDEVENTS_STRUCTURED and CLOUDEVENTS_BINARY: CloudEvents 1.0, with the extensions `eventid`, `accountid`, `actorkind`, `actorid` and `actorname`. DOCUMENTED: `{ event, timestamp, id, subject, actor, account, data }`. SLACK, TEAMS and DISCORD: messages for their incoming webhooks. GRAPHQL: the answer to a query of your own.',
  values: described<(typeof webhookFormats)[number]>({
    STANDARD: 'A body as in Standard Webhooks.',
    CLOUDEVENTS_STRUCTURED: 'CloudEvents 1.0 with everything in the body.',
    CLOUDEVENTS_BINARY: 'CloudEvents 1.0 with the attributes in headers.',
    DOCUMENTED: 'A body with `event` and `timestamp` first.',
    SLACK: 'A message for an incoming webhook of Slack.',
    TEAMS: 'A message for an incoming webhook of Microsoft Teams.',
    DISCORD: 'A message for an incoming webhook of Discord.',
    GRAPHQL: 'The answer to a query of your own.',
  }),
})

export const WebhookMethodEnum = builder.enumType('WebhookMethod', {
  description: 'The method of the requests.',
  values: described<(typeof webhookMethods)[number]>({
    POST: 'The usual method.',
    PUT: 'For receivers that ask for it.',
  }),
})

export const WebhookOrderEnum = builder.enumType('WebhookOrder', {
  description:
    'NONE: events arrive as they come. PER_SUBJECT: what happens to one subject, such as `task:<id>`, arrives in its order, and waits for what failed before it; subjects do not wait for each other.',
  values: described<(typeof webhookOrders)[number]>({
    NONE: 'Events arrive as they come.',
    PER_SUBJECT: 'Events of one subject arrive in their order.',
  }),
})

export const WebhookBackoffEnum = builder.enumType('WebhookBackoff', {
  description: 'How the wait between attempts grows; SCHEDULE has a list of waits.',
  values: described<(typeof webhookBackoffs)[number]>({
    SCHEDULE: 'By a list of waits.',
    FIXED: 'Always the same.',
    LINEAR: 'By the same amount each time.',
    EXPONENTIAL: 'Twice as long each time.',
  }),
})

export const SigningMethodEnum = builder.enumType('SigningMethod', {
  description:
    'HMAC_SHA256: with a secret that both sides hold (`v1`). ED25519: with a key whose public half anybody may know (`v1a`).',
  values: described<(typeof signingMethods)[number]>({
    HMAC_SHA256: 'With a secret that both sides hold (`v1`).',
    ED25519: 'With a key pair, whose public half verifies (`v1a`).',
  }),
})

export const DeliveryStatusEnum = builder.enumType('DeliveryStatus', {
  description:
    'PENDING waits for its next attempt, ACTIVE has one under way. DELIVERED was taken. FAILED has no attempt left. SKIPPED: its query had nothing to tell. CANCELLED: its webhook was deleted before.',
  values: described<(typeof deliveryStatuses)[number]>({
    PENDING: 'It waits for its next attempt.',
    ACTIVE: 'An attempt is under way.',
    DELIVERED: 'The receiver has accepted it.',
    FAILED: 'No attempt is left.',
    SKIPPED: 'The query of the webhook had nothing to send.',
    CANCELLED: 'The webhook was deleted before.',
  }),
})
