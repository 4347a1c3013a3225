import { webhookBackoffs } from '#domain/webhooks/retry-plan.ts'
import { signingMethods } from '#domain/webhooks/signature.ts'
import {
  deliveryStatuses,
  webhookFormats,
  webhookMethods,
  webhookOrders,
  webhookStatuses,
} from '#domain/webhooks/webhook.ts'
import { builder } from '#schema/builder.ts'

export const WebhookStatusEnum = builder.enumType('WebhookStatus', {
  description:
    'ACTIVE receives events. INACTIVE was switched off by somebody, FAILED by the server, because it took nothing any more or because its maker is gone or lacks `webhooks:admin`.',
  values: webhookStatuses,
})

export const WebhookFormatEnum = builder.enumType('WebhookFormat', {
  description:
    'What a body looks like. STANDARD: `{ type, timestamp, id, subject, actor, account, data }` (Standard Webhooks). CLOUDEVENTS_STRUCTURED and CLOUDEVENTS_BINARY: CloudEvents 1.0, with the extensions `eventid`, `accountid`, `actorkind`, `actorid` and `actorname`. DOCUMENTED: `{ event, timestamp, id, subject, actor, account, data }`. SLACK, TEAMS and DISCORD: messages for their incoming webhooks. GRAPHQL: the answer to a query of your own.',
  values: webhookFormats,
})

export const WebhookMethodEnum = builder.enumType('WebhookMethod', {
  description: 'The method of the requests.',
  values: webhookMethods,
})

export const WebhookOrderEnum = builder.enumType('WebhookOrder', {
  description:
    'NONE: events arrive as they come. PER_SUBJECT: what happens to one subject, such as `task:<id>`, arrives in its order, and waits for what failed before it; subjects do not wait for each other.',
  values: webhookOrders,
})

export const WebhookBackoffEnum = builder.enumType('WebhookBackoff', {
  description: 'How the wait between attempts grows; SCHEDULE has a list of waits.',
  values: webhookBackoffs,
})

export const SigningMethodEnum = builder.enumType('SigningMethod', {
  description:
    'HMAC_SHA256: with a secret that both sides hold (`v1`). ED25519: with a key whose public half anybody may know (`v1a`).',
  values: signingMethods,
})

export const DeliveryStatusEnum = builder.enumType('DeliveryStatus', {
  description:
    'PENDING waits for its next attempt, ACTIVE has one under way. DELIVERED was taken. FAILED has no attempt left. SKIPPED: its query had nothing to tell. CANCELLED: its webhook was deleted before.',
  values: deliveryStatuses,
})
