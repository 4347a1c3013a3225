import type { DeliveryUpdate } from '#domain/webhooks/updates.ts'
import { builder } from '#schema/builder.ts'
import { DeliveryRef } from './delivery.ts'
import { DeliveryStatusEnum } from './enums.ts'

const DeliveryUpdateKind = builder.enumType('DeliveryUpdateKind', {
  description: 'ATTEMPT: an attempt has ended. LAGGED: updates were dropped because the subscriber was too slow.',
  values: {
    ATTEMPT: { description: 'An attempt has ended.' },
    LAGGED: { description: 'Updates were dropped because the subscriber was too slow.' },
  } as const,
})

const DeliveryUpdateRef = builder.objectRef<DeliveryUpdate>('DeliveryUpdate').implement({
  description: 'The outcome of an attempt.',
  fields: (t) => ({
    kind: t.expose('kind', { type: DeliveryUpdateKind, description: 'The kind of update.' }),
    cursor: t.exposeString('cursor', {
      description: 'Where a later stream resumes; attempts that ended together may be sent again from there.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was recorded.' }),
    deliveryId: t.id({
      nullable: true,
      description: 'The delivery; null for LAGGED.',
      resolve: ({ attempt }) => attempt?.id,
    }),
    webhookId: t.id({ nullable: true, description: 'The webhook.', resolve: ({ attempt }) => attempt?.webhookId }),
    eventType: t.string({
      nullable: true,
      description: 'The type of the event.',
      resolve: ({ attempt }) => attempt?.eventType,
    }),
    status: t.field({
      type: DeliveryStatusEnum,
      nullable: true,
      description: 'The status of the delivery after the attempt.',
      resolve: ({ attempt }) => attempt?.status as never,
    }),
    attempt: t.int({
      nullable: true,
      description: 'The number of the attempt.',
      resolve: ({ attempt }) => attempt?.attempt,
    }),
    outcome: t.string({
      nullable: true,
      description: 'The outcome, as in `DeliveryAttempt`.',
      resolve: ({ attempt }) => attempt?.outcome,
    }),
    responseStatus: t.int({
      nullable: true,
      description: 'The HTTP status of the response.',
      resolve: ({ attempt }) => attempt?.responseStatus,
    }),
    durationMs: t.int({
      nullable: true,
      description: 'How long it took, in milliseconds.',
      resolve: ({ attempt }) => attempt?.durationMs,
    }),
    skipped: t.exposeInt('skipped', { nullable: true, description: 'LAGGED: how many updates were dropped.' }),
    delivery: t.prismaField({
      type: DeliveryRef,
      nullable: true,
      description: 'The current delivery.',
      resolve: (query, { attempt }, _args, { caller, db }) => {
        if (attempt === undefined) return null
        const key = { accountId: caller.accountId, id: attempt.id }
        return db.delivery.findUnique({ ...query, where: { accountId_id: key } })
      },
    }),
  }),
})

builder.subscriptionField('deliveryUpdates', (t) =>
  t.field({
    type: DeliveryUpdateRef,
    description: 'The outcomes of delivery attempts, from now on or after a cursor.',
    args: {
      webhookId: t.arg.id({ description: 'Only deliveries to this webhook; default: all.' }),
      after: t.arg.string({ description: 'Resume after this cursor (from any stream).' }),
    },
    subscribe: (_root, { webhookId, after }, { caller, webhooks }) =>
      webhooks.updates(caller, webhookId ?? undefined, after ?? undefined),
    resolve: (update) => update,
  }),
)
