import type { DeliveryUpdate } from '#domain/webhooks/updates.ts'
import { builder } from '#schema/builder.ts'
import { DeliveryRef } from './delivery.ts'
import { DeliveryStatusEnum } from './enums.ts'

const DeliveryUpdateKind = builder.enumType('DeliveryUpdateKind', {
  description: 'ATTEMPT: one has ended. LAGGED: updates were dropped because the subscriber was too slow.',
  values: {
    ATTEMPT: { description: 'An attempt has ended.' },
    LAGGED: { description: 'Updates were dropped because the subscriber was too slow.' },
  } as const,
})

const DeliveryUpdateRef = builder.objectRef<DeliveryUpdate>('DeliveryUpdate').implement({
  description: 'What an attempt came to.',
  fields: (t) => ({
    kind: t.expose('kind', { type: DeliveryUpdateKind, description: 'What has happened.' }),
    cursor: t.exposeString('cursor', {
      description: 'Where a later stream goes on; attempts that ended together may be told again from there.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was written down.' }),
    deliveryId: t.id({
      nullable: true,
      description: 'Which delivery; null for LAGGED.',
      resolve: ({ attempt }) => attempt?.id,
    }),
    webhookId: t.id({ nullable: true, description: 'To which webhook.', resolve: ({ attempt }) => attempt?.webhookId }),
    eventType: t.string({ nullable: true, description: 'Of the event.', resolve: ({ attempt }) => attempt?.eventType }),
    status: t.field({
      type: DeliveryStatusEnum,
      nullable: true,
      description: 'Where the delivery stands after the attempt.',
      resolve: ({ attempt }) => attempt?.status as never,
    }),
    attempt: t.int({ nullable: true, description: 'Which attempt.', resolve: ({ attempt }) => attempt?.attempt }),
    outcome: t.string({ nullable: true, description: 'As of attempts.', resolve: ({ attempt }) => attempt?.outcome }),
    responseStatus: t.int({
      nullable: true,
      description: 'The answer’s status.',
      resolve: ({ attempt }) => attempt?.responseStatus,
    }),
    durationMs: t.int({
      nullable: true,
      description: 'How long it took.',
      resolve: ({ attempt }) => attempt?.durationMs,
    }),
    skipped: t.exposeInt('skipped', { nullable: true, description: 'LAGGED: how much was dropped.' }),
    delivery: t.prismaField({
      type: DeliveryRef,
      nullable: true,
      description: 'The delivery as it is by now.',
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
    description: 'What attempts come to, from now on or after a cursor.',
    args: {
      webhookId: t.arg.id({ description: 'Of this webhook; of all when absent.' }),
      after: t.arg.string({ description: 'Resume after this cursor (from any stream).' }),
    },
    subscribe: (_root, { webhookId, after }, { caller, webhooks }) =>
      webhooks.updates(caller, webhookId ?? undefined, after ?? undefined),
    resolve: (update) => update,
  }),
)
