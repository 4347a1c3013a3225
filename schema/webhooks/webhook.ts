import type { RetryPlan } from '#domain/webhooks/retry-plan.ts'
import type { WebhookMaker } from '#domain/webhooks/webhook.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { isId } from '#lib/ids.ts'
import type { Actor } from '#platform/journal/entry.ts'
import { builder } from '#schema/builder.ts'
import { separateRead } from '#schema/complexity.ts'
import { NodeRef } from '#schema/node.ts'
import { connectionOf, nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'
import {
  SigningMethodEnum,
  WebhookBackoffEnum,
  WebhookFormatEnum,
  WebhookMethodEnum,
  WebhookOrderEnum,
  WebhookStatusEnum,
} from './enums.ts'

/** Replaces the value of a header that is never shown. */
const hidden = '********'

const RetryPlanRef = builder.objectRef<RetryPlan>('WebhookRetry').implement({
  description: 'The retry policy. Delays are randomized by a fifth.',
  fields: (t) => ({
    maxAttempts: t.exposeInt('maxAttempts', { description: 'Maximum number of attempts.' }),
    backoff: t.expose('backoff', { type: WebhookBackoffEnum, description: 'How the delay between attempts grows.' }),
    delayMs: t.exposeInt('delayMs', { description: 'Delay before the second attempt, in milliseconds.' }),
    maxDelayMs: t.exposeInt('maxDelayMs', { description: 'Upper limit of the delay, in milliseconds.' }),
    scheduleMs: t.intList({
      description: 'SCHEDULE: the delays; the last one repeats.',
      resolve: (plan) => [...plan.scheduleMs],
    }),
    statusCodes: t.intList({
      nullable: true,
      description: 'Statuses to retry after; null: all except 2xx and 410.',
      resolve: (plan) => plan.statusCodes && [...plan.statusCodes],
    }),
  }),
})

interface Statistics {
  readonly id: string
  readonly delivered: bigint
  readonly undelivered: bigint
  readonly attempts: bigint
  readonly failedAttempts: bigint
  readonly durationMs: bigint
  readonly lastDeliveryAt: Date | null
  readonly lastFailureAt: Date | null
  readonly failures: number
}

const StatisticsRef = builder.objectRef<Statistics>('WebhookStatistics').implement({
  description: 'The outcomes of deliveries since the webhook was created; up to date within about a second.',
  fields: (t) => ({
    delivered: t.float({ description: 'Accepted deliveries.', resolve: (it) => Number(it.delivered) }),
    undelivered: t.float({
      description: 'Deliveries that failed for good.',
      resolve: (it) => Number(it.undelivered),
    }),
    attempts: t.float({ description: 'Requests.', resolve: (it) => Number(it.attempts) }),
    failedAttempts: t.float({ description: 'Failed requests.', resolve: (it) => Number(it.failedAttempts) }),
    averageMs: t.float({
      nullable: true,
      description: 'Average duration of a request, in milliseconds; null before the first.',
      resolve: (it) => (it.attempts === 0n ? null : Number(it.durationMs) / Number(it.attempts)),
    }),
    failuresInARow: t.exposeInt('failures', { description: 'Consecutive failed requests since the last success.' }),
    waiting: t.int({
      description: 'Deliveries that wait for an attempt or have one in progress.',
      complexity: separateRead,
      resolve: ({ id }, _args, { db }) =>
        db.delivery.count({ where: { webhookId: id, status: { in: ['PENDING', 'ACTIVE'] } } }),
    }),
    lastDeliveryAt: t.expose('lastDeliveryAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a delivery last succeeded.',
    }),
    lastFailureAt: t.expose('lastFailureAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a request last failed.',
    }),
  }),
})

const WebhookMakerRef = builder.objectRef<Pick<WebhookMaker, 'actor' | 'scopes'>>('WebhookMaker').implement({
  description:
    'The caller who last decided what a webhook sends, and where: it sends what they may currently see, exactly as `events` would show it to them.',
  fields: (t) => ({
    actor: t.expose('actor', { type: 'Actor', description: 'The person or application token.' }),
    scopes: t.stringList({
      description:
        'The scopes that they had at that time and still have. Without `webhooks:admin` the webhook is disabled at the next event.',
      resolve: ({ scopes }) => [...scopes],
    }),
  }),
})

export const WebhookRef = builder.prismaObject('Webhook', {
  interfaces: [NodeRef],
  description: 'An endpoint that receives events.',
  select: { accountId: true, id: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable.' }),
    name: t.exposeString('name', { description: 'Its display name.' }),
    url: t.exposeString('url', { description: 'The URL to deliver to.' }),
    eventWarnings: t.stringList({
      description:
        'Likely mistakes in `events`, one sentence each: types that the server never writes and that nobody has published recently, with the closest match.',
      select: { events: true },
      resolve: ({ events: patterns }, _args, { caller, events }) => events.patternWarnings(caller, patterns),
    }),
    events: t.exposeStringList('events', { description: 'Types, families such as `task.*`, or `*`.' }),
    filter: t.field({
      type: 'JSON',
      nullable: true,
      description: 'A condition on the event’s data; null: every event matches.',
      select: { filter: true },
      resolve: ({ filter }) => filter,
    }),
    method: t.expose('method', { type: WebhookMethodEnum, description: 'The HTTP method of deliveries.' }),
    headers: t.field({
      type: 'JSON',
      description: 'Headers of each request; the values of secret ones are never shown.',
      select: { headers: true, secretHeaderNames: true },
      resolve: ({ headers, secretHeaderNames }) => ({
        ...(headers as Record<string, string>),
        ...Object.fromEntries(secretHeaderNames.map((name) => [name, hidden])),
      }),
    }),
    format: t.expose('format', { type: WebhookFormatEnum, description: 'The format of the request body.' }),
    document: t.exposeString('document', { nullable: true, description: 'GRAPHQL: the query.' }),
    redact: t.exposeStringList('redact', { description: 'Paths that are removed from the data.' }),
    timeoutMs: t.exposeInt('timeoutMs', { description: 'How long a request may take, in milliseconds.' }),
    retry: t.field({
      type: RetryPlanRef,
      description: 'The retry policy.',
      select: { retry: true },
      resolve: ({ retry }) => retry as unknown as RetryPlan,
    }),
    order: t.expose('order', { type: WebhookOrderEnum, description: 'Whether deliveries are ordered.' }),
    concurrency: t.exposeInt('concurrency', { description: 'Maximum concurrent requests of each process.' }),
    ratePerSecond: t.exposeInt('ratePerSecond', {
      nullable: true,
      description: 'Maximum requests per second of each process; null: no limit.',
    }),
    signing: t.expose('signing', { type: SigningMethodEnum, description: 'How deliveries are signed.' }),
    publicKey: t.exposeString('publicKey', {
      nullable: true,
      description: 'ED25519: the public key to verify signatures with (`whpk_…`).',
    }),
    status: t.expose('status', { type: WebhookStatusEnum, description: 'Whether it receives events.' }),
    statusReason: t.exposeString('statusReason', { nullable: true, description: 'Why it is FAILED.' }),
    verifiedAt: t.expose('verifiedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it accepted its first delivery, usually `webhook.ping`.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
    createdBy: t.field({
      type: 'Actor',
      description: 'Who created it.',
      select: { createdBy: true },
      resolve: ({ createdBy }) => createdBy as unknown as Actor,
    }),
    maker: t.field({
      type: WebhookMakerRef,
      description: 'The caller with whose rights it runs.',
      complexity: separateRead,
      select: { accountId: true, maker: true },
      resolve: ({ accountId, maker }, _args, { webhooks }) =>
        webhooks.makerOf({ accountId, maker: maker as unknown as WebhookMaker }),
    }),
    statistics: t.field({
      type: StatisticsRef,
      description: 'The outcomes of deliveries.',
      select: {
        delivered: true,
        undelivered: true,
        attempts: true,
        failedAttempts: true,
        durationMs: true,
        lastDeliveryAt: true,
        lastFailureAt: true,
        failures: true,
      },
      resolve: (webhook) => webhook,
    }),
  }),
})

const WebhookConnection = connectionOf('Webhook', WebhookRef)

builder.queryField('webhook', (t) =>
  t.prismaField({
    type: WebhookRef,
    nullable: true,
    description: 'One webhook; null when the account has none with this id.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (query, _root, { id }, { caller, db }) => {
      caller.must('webhooks:admin')
      if (!isId(id)) return null
      const key = { accountId_id: { accountId: caller.accountId, id } }
      return db.webhook.findUnique({ ...query, where: { ...key, deletedAt: null } })
    },
  }),
)

builder.queryField('webhooks', (t) =>
  t.field({
    type: WebhookConnection,
    description: 'The account’s webhooks, newest first.',
    args: {
      status: t.arg({ type: [WebhookStatusEnum], description: 'Any of these statuses; default: all.' }),
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { status, first, after }, context, info) => {
      context.caller.must('webhooks:admin')
      const size = pageSize(first)
      const read = await context.db.webhook.findMany({
        ...nodeQuery(context, info, 'Webhook'),
        where: {
          deletedAt: null,
          ...(status && { status: { in: status } }),
          ...(after && { id: { lt: behind(after) } }),
        },
        orderBy: { id: 'desc' },
        take: size + 1,
      })
      return pageOf(read, size, after, ({ id }) => encodeCursor('webhooks', [id]))
    },
  }),
)

function behind(cursor: string): string {
  const [id = ''] = decodeCursor('webhooks', cursor, 1)
  if (!isId(id)) throw new InvalidCursor()
  return id
}
