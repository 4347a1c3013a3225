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
import type { KeyedWebhook } from '#domain/webhooks/service.ts'
import type { Triggered } from '#domain/webhooks/trigger-event.ts'
import { InvalidInput } from '#lib/errors.ts'
import { IdempotencyKeyReused } from '#platform/database/idempotency.ts'
import { builder } from '#schema/builder.ts'
import { idempotencyKey } from '#schema/idempotency.ts'
import { SigningMethodEnum } from './enums.ts'
import { CreateWebhookInput, toChanges, toNewWebhook, UpdateWebhookInput } from './inputs.ts'
import { WebhookRef } from './webhook.ts'
import './failures.ts'

/** A payload with the webhook as it is now. */
function webhookPayload<Shape extends { id: string }>(name: string, description: string) {
  return builder.objectRef<Shape>(name).implement({
    description,
    fields: (t) => ({
      webhook: t.prismaField({
        type: WebhookRef,
        description: 'As it is now.',
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
        'What receivers verify with: a secret (`whsec_…`), which is shown this once, or a public key (`whpk_…`).',
    }),
  )
  return payload
}

builder.mutationField('createWebhook', (t) =>
  t.field({
    type: keyedPayload('CreateWebhookPayload', 'The webhook receives events from now on.'),
    description: 'Creates a webhook, and sends it a first event, `webhook.ping`.',
    args: { input: t.arg({ type: CreateWebhookInput, required: true, description: 'The webhook.' }) },
    errors: { types: [InvalidInput, QuotaExceeded, WebhookNotAccepted, IdempotencyKeyReused, WebhookSecretShown] },
    resolve: (_root, { input }, { caller, webhooks }) => webhooks.create(caller, toNewWebhook(input)),
  }),
)

builder.mutationField('updateWebhook', (t) =>
  t.field({
    type: webhookPayload('UpdateWebhookPayload', 'Deliveries go by this from now on.'),
    description:
      'Changes a webhook. A caller who changes its URL, events, filter, format, document, redacted paths or headers becomes its maker, with whose rights it runs; other changes leave the maker as it is. The status ACTIVE switches one on that is FAILED; where its maker is gone, the caller becomes it.',
    args: { input: t.arg({ type: UpdateWebhookInput, required: true, description: 'What is to be changed.' }) },
    errors: { types: [WebhookNotFound, InvalidInput] },
    resolve: async (_root, { input }, { caller, webhooks }) => ({
      id: await webhooks.update(caller, input.id, toChanges(input)),
    }),
  }),
)

const DeleteWebhookInput = builder.inputType('DeleteWebhookInput', {
  description: 'A webhook to be deleted.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The id of the webhook.' }) }),
})

builder.mutationField('deleteWebhook', (t) =>
  t.field({
    type: webhookPayload('DeleteWebhookPayload', 'Nothing is delivered to it any more.'),
    description: 'Deletes a webhook, and what waits for it. Its history stays for as long as deliveries are kept.',
    args: { input: t.arg({ type: DeleteWebhookInput, required: true, description: 'The webhook to delete.' }) },
    errors: { types: [WebhookNotFound] },
    resolve: async (_root, { input }, { caller, webhooks }) => ({ id: await webhooks.remove(caller, input.id) }),
  }),
)

const RotateWebhookSecretInput = builder.inputType('RotateWebhookSecretInput', {
  description: 'A webhook that is to sign with another key.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The id of the webhook.' }),
    overlapMs: t.int({
      required: true,
      defaultValue: 0,
      description: 'How long the old key signs beside the new one, in milliseconds; at most seven days.',
    }),
    signing: t.field({ type: SigningMethodEnum, description: 'How it signs from now on; as before when absent.' }),
  }),
})

builder.mutationField('rotateWebhookSecret', (t) =>
  t.field({
    type: keyedPayload('RotateWebhookSecretPayload', 'The new key signs from now on.'),
    description: 'Gives a webhook a new key; the caller becomes its maker.',
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
  description: 'A webhook to be tried.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The id of the webhook.' }),
    payload: t.field({ type: 'JSON', description: 'What is in `data.payload`; `{}` when absent. At most 64 KiB.' }),
  }),
})

const TestWebhookPayload = webhookPayload<{ id: string; deliveryId: string }>(
  'TestWebhookPayload',
  'The event is committed, and about to be delivered.',
)
builder.objectField(TestWebhookPayload, 'deliveryId', (t) =>
  t.exposeID('deliveryId', { description: 'The delivery’s id; `delivery` knows it a moment later.' }),
)

builder.mutationField('testWebhook', (t) =>
  t.field({
    type: TestWebhookPayload,
    description: 'Sends a webhook an event of its own, `webhook.ping`, whatever events it receives otherwise.',
    args: { input: t.arg({ type: TestWebhookInput, required: true, description: 'The webhook to test.' }) },
    errors: { types: [WebhookNotFound, WebhookNotActive, InvalidInput, QuotaExceeded] },
    resolve: (_root, { input: { id, payload } }, { caller, webhooks }) => webhooks.test(caller, id, payload),
  }),
)

const RedeliverInput = builder.inputType('RedeliverInput', {
  description: 'What is to be delivered again: exactly one of `deliveryId`, `failedSince` and `eventsFrom`.',
  fields: (t) => ({
    deliveryId: t.id({ description: 'This one.' }),
    webhookId: t.id({ description: 'Whose; for what follows.' }),
    failedSince: t.field({
      type: 'DateTime',
      description: 'All of the webhook that were created since then and have FAILED.',
    }),
    eventsFrom: t.field({
      type: 'DateTime',
      description: 'All events since that the webhook asks for now, whether they were delivered or not.',
    }),
    eventsTo: t.field({ type: 'DateTime', description: 'Only up to then; up to now when absent.' }),
    dryRun: t.boolean({ required: true, defaultValue: false, description: 'Only say how many that would be.' }),
  }),
})

const RedeliverPayload = builder.objectRef<Redelivered>('RedeliverPayload').implement({
  description: 'They wait for an attempt; or would, for a dry run.',
  fields: (t) => ({
    count: t.exposeInt('count', { description: 'How many.' }),
    isMore: t.exposeBoolean('isMore', { description: 'Whether there are more than are done at once, 100,000.' }),
  }),
})

builder.mutationField('redeliver', (t) =>
  t.field({
    type: RedeliverPayload,
    description: 'Delivers again, under the same ids, each from the beginning of its webhook’s plan.',
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
  description: 'An event of one’s own.',
  fields: (t) => ({
    type: t.string({
      required: true,
      description: 'Of the form `a.b` or `a.b.c`, such as `deployment.started`; no family of the server’s own events.',
    }),
    data: t.field({ type: 'JSON', description: 'An object, at most 256 KiB; `{}` when absent.' }),
    subject: t.string({ description: 'What it is about, such as `release:v1.4`; a new `event:<id>` when absent.' }),
    idempotencyKey: t.string(idempotencyKey),
  }),
})

const TriggerEventPayload = builder.objectRef<Triggered>('TriggerEventPayload').implement({
  description: 'The event is committed: all who follow such events hear of it.',
  fields: (t) => ({
    type: t.exposeString('type', { description: 'As it was given.' }),
    subject: t.exposeString('subject', { description: 'What it is about.' }),
    deduplicated: t.exposeBoolean('deduplicated', { description: 'Whether it had been written before.' }),
    deliveryIds: t.idList({
      description: 'Deliveries that follow from it, which `delivery` knows a moment later.',
      resolve: ({ deliveryIds }) => [...deliveryIds],
    }),
  }),
})

builder.mutationField('triggerEvent', (t) =>
  t.field({
    type: TriggerEventPayload,
    description: 'Publishes an event of your own: webhooks, subscriptions and `events` show it like any other.',
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
