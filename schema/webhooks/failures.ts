import {
  DeliveryNotFound,
  EventGone,
  WebhookNotAccepted,
  WebhookNotActive,
  WebhookNotFound,
  WebhookSecretShown,
} from '#domain/webhooks/errors.ts'
import { builder } from '#schema/builder.ts'
import { Failure, failureType } from '#schema/failures.ts'

failureType(WebhookNotFound, 'WebhookNotFound', 'The account has no such webhook.')
failureType(DeliveryNotFound, 'DeliveryNotFound', 'The account has no such delivery.')
failureType(WebhookNotAccepted, 'WebhookNotAccepted', 'The receiver was asked and refused to be called.')
failureType(EventGone, 'EventGone', 'The event has passed its retention.')

builder.objectType(WebhookNotActive, {
  name: 'WebhookNotActive',
  description: 'The webhook is disabled, so nothing is sent to it.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof WebhookNotActive,
  fields: (t) => ({ status: t.exposeString('status', { description: 'INACTIVE or FAILED.' }) }),
})

builder.objectType(WebhookSecretShown, {
  name: 'WebhookSecretShown',
  description: 'The webhook was created by an earlier request with this idempotency key, and its secret shown then.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof WebhookSecretShown,
  fields: (t) => ({ id: t.exposeID('id', { description: 'The webhook’s id; rotate its secret if that was lost.' }) }),
})
