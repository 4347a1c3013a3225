import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { isId } from '#lib/ids.ts'
import { builder, type Context } from '#schema/builder.ts'
import { NodeRef } from '#schema/node.ts'
import { connectionOf, nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'
import { DeliveryStatusEnum } from './enums.ts'

const outcomes =
  '`success`, `client_error` (3xx and 4xx), `server_error`, `timeout`, `refused`, `blocked` (an address that must not be called), `tls`, `too_large`; when nothing was sent: `skipped`, `expired`, `not_allowed` (the webhook’s maker may not read the event), `document_error` (the query returned errors), `filter_error` (the filter takes too long for the event) or `internal_error` (a server error, see the log).'

const DeliveryAttemptRef = builder.prismaObject('DeliveryAttempt', {
  description: 'One request of a delivery.',
  select: { number: true },
  fields: (t) => ({
    number: t.exposeInt('number', { description: '1 for the first.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was sent.' }),
    durationMs: t.exposeInt('durationMs', { description: 'How long it took, in milliseconds.' }),
    outcome: t.exposeString('outcome', { description: outcomes }),
    responseStatus: t.exposeInt('responseStatus', {
      nullable: true,
      description: 'The HTTP status; null without a response.',
    }),
    responseHeaders: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The headers of the response.',
      select: { responseHeaders: true },
      resolve: ({ responseHeaders }) => responseHeaders,
    }),
    responseBody: t.exposeString('responseBody', {
      nullable: true,
      description: 'The beginning of the response body, at most 4 KiB.',
    }),
    error: t.exposeString('error', { nullable: true, description: 'What went wrong, in one sentence.' }),
  }),
})

export const DeliveryRef = builder.prismaObject('Delivery', {
  interfaces: [NodeRef],
  description: 'One event for one webhook.',
  select: { accountId: true, id: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Sent to the receiver as `webhook-id`; the same for all attempts.' }),
    webhook: t.relation('webhook', { description: 'The webhook, even if it was deleted since.' }),
    eventType: t.exposeString('eventType', { description: 'The type of the event.' }),
    subject: t.string({
      description:
        'The subject of the event; after its kind, `[redacted]` replaces what the caller may not know, such as the name of a document that they may not read.',
      select: { eventType: true, subject: true },
      resolve: ({ eventType, subject }, _args, { caller, webhooks }) =>
        webhooks.shownSubject(caller, eventType, subject),
    }),
    eventAt: t.expose('eventAt', { type: 'DateTime', description: 'When the event happened.' }),
    status: t.expose('status', { type: DeliveryStatusEnum, description: 'Its status.' }),
    attempt: t.exposeInt('attempt', { description: 'Number of attempts so far.' }),
    nextAttemptAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'PENDING: when the next attempt is due.',
      select: { status: true, dueAt: true },
      resolve: ({ status, dueAt }) => (status === 'PENDING' ? dueAt : null),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true, description: 'When it ended.' }),
    outcome: t.exposeString('outcome', { nullable: true, description: `The outcome of the last attempt: ${outcomes}` }),
    responseStatus: t.exposeInt('responseStatus', {
      nullable: true,
      description: 'The HTTP status of the last attempt.',
    }),
    attempts: t.relation('attemptRows', {
      description: 'The attempts, newest first; at most 100.',
      type: DeliveryAttemptRef,
      query: { orderBy: { number: 'desc' }, take: 100 },
    }),
  }),
})

const DeliveryConnection = connectionOf('Delivery', DeliveryRef)

const DeliveryFilter = builder.inputType('DeliveryFilter', {
  description: 'Selects deliveries; all given conditions must match.',
  fields: (t) => ({
    webhookId: t.id({ description: 'Deliveries to this webhook.' }),
    status: t.field({ type: [DeliveryStatusEnum], description: 'Any of these statuses.' }),
    eventType: t.stringList({ description: 'Any of these types.' }),
    subject: t.string({ description: 'This subject, such as `task:<id>`.' }),
    outcome: t.stringList({ description: 'Any of these outcomes of the last attempt.' }),
    from: t.field({ type: 'DateTime', description: 'Created at this time or later.' }),
    to: t.field({ type: 'DateTime', description: 'Created at this time or earlier.' }),
  }),
})

builder.queryField('delivery', (t) =>
  t.prismaField({
    type: DeliveryRef,
    nullable: true,
    description: 'One delivery; null when the account has none with this id.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (query, _root, { id }, { caller, db }) => {
      caller.must('webhooks:admin')
      if (!isId(id)) return null
      return db.delivery.findUnique({ ...query, where: { accountId_id: { accountId: caller.accountId, id } } })
    },
  }),
)

builder.queryField('deliveries', (t) =>
  t.field({
    type: DeliveryConnection,
    description: 'Deliveries to the account’s webhooks, newest event first.',
    args: {
      where: t.arg({ type: DeliveryFilter, description: 'Only those that match; default: all.' }),
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { where, first, after }, context, info) => {
      context.caller.must('webhooks:admin')
      const size = pageSize(first)
      const read = await context.db.delivery.findMany({
        ...nodeQuery(context, info, 'Delivery'),
        where: { ...conditions(where, context), ...(after && { id: { lt: behind(after) } }) },
        orderBy: { id: 'desc' },
        take: size + 1,
      })
      return pageOf(read, size, after, ({ id }) => encodeCursor('deliveries', [id]))
    },
  }),
)

const nil = '00000000-0000-0000-0000-000000000000'

function conditions(where: typeof DeliveryFilter.$inferInput | null | undefined, { caller, webhooks }: Context) {
  const { webhookId, status, eventType, subject, outcome, from, to } = where ?? {}
  return {
    // An invalid id finds nothing.
    ...(webhookId != null && { webhookId: isId(webhookId) ? webhookId : nil }),
    ...(status && { status: { in: status } }),
    ...(eventType && { eventType: { in: eventType } }),
    ...(subject != null && webhooks.subjectCondition(caller, subject)),
    ...(outcome && { outcome: { in: outcome } }),
    ...((from || to) && { createdAt: { ...(from && { gte: from }), ...(to && { lte: to }) } }),
  }
}

function behind(cursor: string): string {
  const [id = ''] = decodeCursor('deliveries', cursor, 1)
  if (!isId(id)) throw new InvalidCursor()
  return id
}
