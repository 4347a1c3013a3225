import { QuotaExceeded } from '#domain/quotas/errors.ts'
import {
  DeliveryNotFound,
  EventGone,
  WebhookNotAccepted,
  WebhookNotActive,
  WebhookNotFound,
  WebhookSecretShown,
} from '#domain/webhooks/errors.ts'
import type { Redelivered } from '#domain/webhooks/redelivery.ts'
import type { Triggered } from '#domain/webhooks/trigger-event.ts'
import type { KeyedWebhook } from '#domain/webhooks/webhook.ts'
import { InvalidInput } from '#lib/errors.ts'
import { IdempotencyKeyReused } from '#platform/database/idempotency.ts'
import { builder } from '#schema/builder.ts'
import { idempotencyKey } from '#schema/idempotency.ts'
import { SigningMethodEnum } from './enums.ts'
import { CreateWebhookInput, toChanges, toNewWebhook, UpdateWebhookInput } from './inputs.ts'
import { WebhookRef } from './webhook.ts'
import './failures.ts'

/** A payload with the webhook in its current state. */
function webhookPayload<Shape extends { id: string }>(name: string, description: string) {
  return builder.objectRef<Shape>(name).implement({
    description,
    fields: (t) => ({
      webhook: t.prismaField({
        type: WebhookRef,
        description: 'Its current state.',
        resolve: (query, { id }, _args, { caller, db }) =>
          db.webhook.findUniqueOrThrow({ ...query, where: { accountId_id: { accountId: caller.accountId, id } } }),
      }),
    }),
  })
}

function keyedPayload(name: string, description: string) {
  const payload = webhookPayload<KeyedWebhook>(name, description)
  builder.objectField(payload, 'secret', (t) =>
    t.exposeString('secret', {
      description:
        'What receivers verify signatures with: a secret (`whsec_…`), which is shown only once, or a public key (`whpk_…`).',
    }),
  )
  return payload
}

builder.mutationField('createWebhook', (t) =>
  t.field({
    type: keyedPayload('CreateWebhookPayload', 'The webhook receives events from now on.'),
    description: 'Creates a webhook and sends it a first event, `webhook.ping`.',
    args: { input: t.arg({ type: CreateWebhookInput, required: true, description: 'The webhook.' }) },
    errors: { types: [InvalidInput, QuotaExceeded, WebhookNotAccepted, IdempotencyKeyReused, WebhookSecretShown] },
    resolve: (_root, { input }, { caller, webhooks }) => webhooks.create(caller, toNewWebhook(input)),
  }),
)

builder.mutationField('updateWebhook', (t) =>
  t.field({
    type: webhookPayload('UpdateWebhookPayload', 'The changes apply to deliveries from now on.'),
    description:
      'Updates a webhook. A caller who changes its URL, events, filter, format, document, redacted paths or headers becomes its maker, with whose rights it runs; other changes keep the maker. The status ACTIVE enables a FAILED webhook again; if its maker was removed, the caller becomes its maker.',
    args: { input: t.arg({ type: UpdateWebhookInput, required: true, description: 'The changes.' }) },
    errors: { types: [WebhookNotFound, InvalidInput] },
    resolve: async (_root, { input }, { caller, webhooks }) => ({
      id: await webhooks.update(caller, input.id, toChanges(input)),
    }),
  }),
)

const DeleteWebhookInput = builder.inputType('DeleteWebhookInput', {
  description: 'A webhook to delete.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The id of the webhook.' }) }),
})

builder.mutationField('deleteWebhook', (t) =>
  t.field({
    type: webhookPayload('DeleteWebhookPayload', 'The webhook was deleted.'),
    description:
      'Deletes a webhook and its pending deliveries. Its history is kept within the retention of deliveries.',
    args: { input: t.arg({ type: DeleteWebhookInput, required: true, description: 'The webhook to delete.' }) },
    errors: { types: [WebhookNotFound] },
    resolve: async (_root, { input }, { caller, webhooks }) => ({ id: await webhooks.remove(caller, input.id) }),
  }),
)

const RotateWebhookSecretInput = builder.inputType('RotateWebhookSecretInput', {
  description: 'A webhook whose signing key to replace.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The id of the webhook.' }),
    overlapMs: t.int({
      required: true,
      defaultValue: 0,
      description: 'How long the old key signs alongside the new one, in milliseconds; at most seven days.',
    }),
    signing: t.field({ type: SigningMethodEnum, description: 'The signing method from now on; default: as before.' }),
  }),
})

builder.mutationField('rotateWebhookSecret', (t) =>
  t.field({
    type: keyedPayload('RotateWebhookSecretPayload', 'The new key signs from now on.'),
    description: 'Replaces the signing key of a webhook; the caller becomes its maker.',
    args: {
      input: t.arg({
        type: RotateWebhookSecretInput,
        required: true,
        description: 'The webhook whose secret is replaced.',
      }),
    },
    errors: { types: [WebhookNotFound, InvalidInput] },
    resolve: (_root, { input: { id, overlapMs, signing } }, { caller, webhooks }) =>
      webhooks.rotateSecret(caller, id, overlapMs, signing ?? undefined),
  }),
)

const TestWebhookInput = builder.inputType('TestWebhookInput', {
  description: 'A webhook to test.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The id of the webhook.' }),
    payload: t.field({ type: 'JSON', description: 'Sent as `data.payload`; default `{}`. At most 64 KiB.' }),
  }),
})

const TestWebhookPayload = webhookPayload<{ id: string; deliveryId: string }>(
  'TestWebhookPayload',
  'The event is committed and will be delivered.',
)
builder.objectField(TestWebhookPayload, 'deliveryId', (t) =>
  t.exposeID('deliveryId', { description: 'The delivery’s id; `delivery` finds it a moment later.' }),
)

builder.mutationField('testWebhook', (t) =>
  t.field({
    type: TestWebhookPayload,
    description: 'Sends a webhook the event `webhook.ping`, regardless of the events it subscribes to.',
    args: { input: t.arg({ type: TestWebhookInput, required: true, description: 'The webhook to test.' }) },
    errors: { types: [WebhookNotFound, WebhookNotActive, InvalidInput, QuotaExceeded] },
    resolve: (_root, { input: { id, payload } }, { caller, webhooks }) => webhooks.test(caller, id, payload),
  }),
)

const RedeliverInput = builder.inputType('RedeliverInput', {
  description: 'What to deliver again: exactly one of `deliveryId`, `failedSince` and `eventsFrom`.',
  fields: (t) => ({
    deliveryId: t.id({ description: 'One delivery.' }),
    webhookId: t.id({ description: 'The webhook, for `failedSince` and `eventsFrom`.' }),
    failedSince: t.field({
      type: 'DateTime',
      description: 'All FAILED deliveries of the webhook that were created since then.',
    }),
    eventsFrom: t.field({
      type: 'DateTime',
      description:
        'All events since then that match the webhook’s current subscription, whether they were delivered or not.',
    }),
    eventsTo: t.field({ type: 'DateTime', description: 'Only events up to this time; default: now.' }),
    dryRun: t.boolean({ required: true, defaultValue: false, description: 'Only count them.' }),
  }),
})

const RedeliverPayload = builder.objectRef<Redelivered>('RedeliverPayload').implement({
  description: 'The deliveries wait for an attempt, or would, in a dry run.',
  fields: (t) => ({
    count: t.exposeInt('count', { description: 'Number of deliveries.' }),
    isMore: t.exposeBoolean('isMore', {
      description: 'Whether there are more than the 100,000 that one request handles.',
    }),
  }),
})

builder.mutationField('redeliver', (t) =>
  t.field({
    type: RedeliverPayload,
    description: 'Repeats deliveries under the same ids, each with a fresh retry plan.',
    args: { input: t.arg({ type: RedeliverInput, required: true, description: 'What.' }) },
    errors: { types: [DeliveryNotFound, WebhookNotFound, WebhookNotActive, EventGone, InvalidInput] },
    resolve: (_root, { input }, { caller, webhooks }) =>
      webhooks.redeliver(caller, {
        deliveryId: input.deliveryId ?? undefined,
        webhookId: input.webhookId ?? undefined,
        failedSince: input.failedSince ?? undefined,
        eventsFrom: input.eventsFrom ?? undefined,
        eventsTo: input.eventsTo ?? undefined,
        dryRun: input.dryRun,
      }),
  }),
)

const TriggerEventInput = builder.inputType('TriggerEventInput', {
  description: 'A custom event.',
  fields: (t) => ({
    type: t.string({
      required: true,
      description:
        'Of the form `a.b` or `a.b.c`, such as `deployment.started`; the families of the server’s own events are reserved.',
    }),
    data: t.field({ type: 'JSON', description: 'An object of at most 256 KiB; default `{}`.' }),
    subject: t.string({ description: 'The subject, such as `release:v1.4`; default: a new `event:<id>`.' }),
    idempotencyKey: t.string(idempotencyKey),
  }),
})

const TriggerEventPayload = builder.objectRef<Triggered>('TriggerEventPayload').implement({
  description: 'The event is committed, and all its subscribers receive it.',
  fields: (t) => ({
    type: t.exposeString('type', { description: 'The type of the event.' }),
    subject: t.exposeString('subject', { description: 'The subject of the event.' }),
    deduplicated: t.exposeBoolean('deduplicated', { description: 'Whether the event already existed.' }),
    deliveryIds: t.idList({
      description: 'The ids of its deliveries, which `delivery` finds a moment later.',
      resolve: ({ deliveryIds }) => [...deliveryIds],
    }),
  }),
})

builder.mutationField('triggerEvent', (t) =>
  t.field({
    type: TriggerEventPayload,
    description: 'Publishes a custom event; webhooks, subscriptions and `events` treat it like any other.',
    args: { input: t.arg({ type: TriggerEventInput, required: true, description: 'The event.' }) },
    errors: { types: [InvalidInput, IdempotencyKeyReused, QuotaExceeded] },
    resolve: (_root, { input }, { caller, webhooks }) =>
      webhooks.trigger(caller, {
        type: input.type,
        data: input.data ?? undefined,
        subject: input.subject ?? undefined,
        idempotencyKey: input.idempotencyKey ?? undefined,
      }),
  }),
)
