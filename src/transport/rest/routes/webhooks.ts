import { z } from 'zod'
import { idempotencyHeaders, keyNames, keyOf, moment } from '#transport/rest/fields.ts'
import {
  CreateWebhookDocument,
  DeleteWebhookDocument,
  DeliverWebhookDocument,
  type DeliveryStatus,
  TriggerEventDocument,
  UpdateWebhookDocument,
  WebhookDeliveriesDocument,
  WebhookDeliveryPagesDocument,
  WebhookDocument,
  WebhookPagesDocument,
  type WebhookStatus,
  WebhooksDocument,
} from '#transport/rest/generated/graphql.ts'
import { answerPage, linkHeader, listQuery, placeOf } from '#transport/rest/paging.ts'
import { found } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'
import {
  delivery,
  deliveryStatuses,
  formatOf,
  providerRequest,
  toDelivery,
  toWebhook,
  webhook,
  webhookStatuses,
} from '#transport/rest/webhook.ts'

const tag = 'Webhooks'
const params = z.object({ id: z.string().describe('The webhook’s id.') })

const example = {
  id: '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11',
  name: 'deployments',
  event: 'task.completed',
  events: ['task.completed', 'deployment.*'],
  provider: 'standard',
  eventWarnings: [],
  config: { url: 'https://example.com/hook', method: 'POST', headers: { authorization: '********' }, filter: null },
  timeout: 10_000,
  retryCount: 7,
  retryDelay: 5_000,
  status: 'active',
  lastDeliveryAt: null,
  errorCount: 0,
  createdBy: 'owner',
  createdAt: '2026-11-28T12:48:36.561Z',
  updatedAt: '2026-11-28T12:48:36.561Z',
}

const made = webhook
  .extend({ secret: z.string().describe('The secret that receivers verify signatures with. It is shown only once.') })
  .meta({ id: 'MadeWebhook', description: 'A new webhook.' })

const details = webhook
  .extend({
    statistics: z.object({
      delivered: z.int(),
      undelivered: z.int(),
      attempts: z.int(),
      failedAttempts: z.int(),
      waiting: z.int(),
      averageMs: z.number().nullable(),
      lastDeliveryAt: z.iso.datetime().nullable(),
      lastFailureAt: z.iso.datetime().nullable(),
    }),
    recentDeliveries: z.array(delivery),
  })
  .meta({ id: 'WebhookDetails', description: 'A webhook with its delivery statistics.' })

const event = z.string().describe('A type such as `task.completed`, a family such as `task.*`, or `*`.')
const config = {
  url: z.string().describe('The URL to deliver to.'),
  method: z.enum(['POST', 'PUT']).optional(),
  headers: z.record(z.string(), z.string()).optional().describe('Sent with each request.'),
  filter: z.unknown().optional().describe('A condition on the event’s data: `{ "path": "size", "gte": 10 }`.'),
}
const settings = {
  event: event.optional(),
  events: z.array(event).optional().describe('Instead of or in addition to `event`.'),
  provider: providerRequest.optional().describe('The format of the request body; default `standard`.'),
  timeout: z.int().optional().describe('How long a request may take, in milliseconds; default 10,000.'),
  retryCount: z.int().min(0).optional().describe('Maximum number of retries after the first attempt; default 7.'),
  retryDelay: z
    .int()
    .optional()
    .describe(
      'Delay before the first retry, in milliseconds; it doubles with each further one. By default retries are spread over a day.',
    ),
}
const request = z
  .strictObject({ name: z.string(), config: z.strictObject(config), ...settings })
  .refine((body) => eventsOf(body) !== undefined, { path: ['events'], message: 'is missing' })
  .meta({ id: 'WebhookRequest', description: 'A webhook to create.' })
const changes = z
  .strictObject({
    name: z.string().optional(),
    config: z.strictObject({ ...config, url: config.url.optional() }).optional(),
    ...settings,
    status: z.enum(['active', 'inactive']).optional(),
  })
  .meta({ id: 'WebhookChanges', description: 'The fields of a webhook to change; absent fields keep their values.' })

/** What REST calls the inputs. */
const names = {
  ...keyNames,
  url: 'config.url',
  method: 'config.method',
  headers: 'config.headers',
  filter: 'config.filter',
  format: 'provider',
  timeoutMs: 'timeout',
}

type Settings = z.output<typeof changes>

function eventsOf({ event: one, events = [] }: Pick<Settings, 'event' | 'events'>): string[] | undefined {
  const all = [...new Set([...(one === undefined ? [] : [one]), ...events])]
  return all.length > 0 ? all : undefined
}

function inputOf({ name, config = {}, provider, timeout, status, ...rest }: Settings) {
  const { retryCount, retryDelay } = rest
  const plan = {
    ...(retryCount !== undefined && { maxAttempts: retryCount + 1 }),
    ...(retryDelay !== undefined && { delayMs: retryDelay, backoff: 'EXPONENTIAL' as const }),
  }
  return {
    name,
    ...config,
    events: eventsOf(rest),
    format: provider && formatOf(provider),
    timeoutMs: timeout,
    ...(Object.keys(plan).length > 0 && { retry: plan }),
    ...(status && { status: status.toUpperCase() as WebhookStatus }),
  }
}

export const webhookRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/webhooks',
    name: 'listWebhooks',
    tag,
    summary: 'Lists the account’s webhooks, newest first.',
    query: z.object({
      status: z.array(z.enum(webhookStatuses)).optional().describe('Only webhooks with one of these statuses.'),
      ...listQuery(),
    }),
    answers: {
      200: { description: 'A page of webhooks.', schema: z.array(webhook), headers: linkHeader, example: [example] },
    },
    document: WebhooksDocument,
    async variables({ query, operations }) {
      const status = query.status?.map((one) => one.toUpperCase() as WebhookStatus) ?? null
      const pageInfo = async (page: { first: number; after: string | null }) =>
        (await operations.run(WebhookPagesDocument, { status, ...page })).webhooks.pageInfo
      return { status, first: query.limit, after: await placeOf(query, pageInfo) }
    },
    answer: ({ webhooks: { nodes, pageInfo } }, asked) => answerPage(nodes.map(toWebhook), pageInfo, asked),
  }),
  defineRoute({
    method: 'post',
    path: '/webhooks',
    name: 'createWebhook',
    tag,
    summary: 'Creates a webhook and sends it a first event, `webhook.ping`.',
    headers: idempotencyHeaders,
    body: request,
    bodyExamples: {
      plain: { name: 'deployments', events: ['task.completed'], config: { url: 'https://example.com/hook' } },
    },
    answers: {
      201: {
        description: 'The webhook receives events from now on.',
        schema: made,
        example: { ...example, secret: 'whsec_…' },
        headers: { Location: 'Where it is.' },
      },
    },
    refusals: [409],
    document: CreateWebhookDocument,
    names,
    variables: ({ body, headers }) => {
      const { status: _, ...input } = inputOf(body) as ReturnType<typeof inputOf> & { status?: unknown }
      const { name, config } = body
      return { input: { ...input, name, url: config.url, events: eventsOf(body) ?? [], ...keyOf(headers) } }
    },
    answer: ({ createWebhook: { webhook: facts, secret } }, { prefix }) =>
      json(201, { ...toWebhook(facts), secret }, { location: `${prefix}/webhooks/${facts.id}` }),
  }),
  defineRoute({
    method: 'post',
    path: '/webhooks/trigger',
    name: 'triggerEvent',
    tag,
    summary: 'Publishes a custom event.',
    headers: idempotencyHeaders,
    body: z
      .strictObject({
        event: z
          .string()
          .describe('Of the form `a.b` or `a.b.c`; the families of the server’s own events are reserved.'),
        payload: z.record(z.string(), z.unknown()).default({}).describe('The data of the event.'),
        subject: z.string().optional().describe('The subject, such as `release:v1.4`; by default a new `event:<id>`.'),
      })
      .meta({ id: 'EventRequest', description: 'A custom event.' }),
    bodyExamples: {
      release: { event: 'release.published', payload: { version: 'v1.4' }, subject: 'release:v1.4' },
    },
    answers: {
      202: {
        description: 'The event is committed; deliveries follow.',
        schema: z
          .object({
            queued: z.int().describe('Number of deliveries that follow.'),
            deliveryIds: z.array(z.string()),
            subject: z.string().describe('The subject of the event.'),
          })
          .meta({ id: 'TriggeredEvent', description: 'A published event.' }),
        example: { queued: 1, deliveryIds: [example.id], subject: 'release:v1.4' },
      },
    },
    refusals: [409],
    document: TriggerEventDocument,
    names: { ...keyNames, type: 'event', data: 'payload' },
    variables: ({ body: { event: type, payload: data, subject = null }, headers }) => ({
      input: { type, data, subject, ...keyOf(headers) },
    }),
    answer: ({ triggerEvent: { deliveryIds, subject } }) =>
      json(202, { queued: deliveryIds.length, deliveryIds, subject }),
  }),
  defineRoute({
    method: 'get',
    path: '/webhooks/{id}',
    name: 'getWebhook',
    tag,
    summary: 'Returns a webhook with its delivery statistics and recent deliveries.',
    params,
    answers: { 200: { description: 'The webhook.', schema: details } },
    refusals: [404],
    document: WebhookDocument,
    variables: ({ params: { id } }) => ({ id }),
    answer(data, { params: { id } }) {
      const facts = found(data.webhook, `webhook ${id}`)
      const recentDeliveries = data.deliveries.nodes.map(toDelivery)
      return json(200, { ...toWebhook(facts), statistics: facts.statistics, recentDeliveries })
    },
  }),
  defineRoute({
    method: 'patch',
    path: '/webhooks/{id}',
    name: 'updateWebhook',
    tag,
    summary: 'Updates a webhook; takes effect for new deliveries at once.',
    params,
    body: changes,
    bodyExamples: { off: { status: 'inactive' }, address: { config: { url: 'https://example.com/other' } } },
    answers: { 200: { description: 'The webhook was updated.', schema: webhook, example } },
    refusals: [404],
    document: UpdateWebhookDocument,
    names,
    variables: ({ params: { id }, body }) => ({ input: { id, ...inputOf(body) } }),
    answer: ({ updateWebhook }) => json(200, toWebhook(updateWebhook.webhook)),
  }),
  defineRoute({
    method: 'delete',
    path: '/webhooks/{id}',
    name: 'deleteWebhook',
    tag,
    summary: 'Deletes a webhook and its pending deliveries; its history is kept.',
    params,
    answers: { 204: { description: 'The webhook was deleted.' } },
    refusals: [404],
    document: DeleteWebhookDocument,
    variables: ({ params: { id } }) => ({ id }),
    answer: () => ({ status: 204 }),
  }),
  defineRoute({
    method: 'post',
    path: '/webhooks/{id}/deliver',
    name: 'deliverWebhook',
    tag,
    summary: 'Sends a test to a webhook, or repeats a delivery.',
    params,
    bodyIsOptional: true,
    body: z
      .strictObject({
        payload: z.unknown().optional().describe('Sent as `data.payload` of the test.'),
        deliveryId: z.string().optional().describe('The delivery to repeat.'),
      })
      .refine(({ payload, deliveryId }) => payload === undefined || deliveryId === undefined, {
        message: 'has a payload or a deliveryId, not both',
      })
      .meta({ id: 'DeliverRequest', description: 'What to send.' }),
    bodyExamples: { test: {}, again: { deliveryId: example.id } },
    answers: {
      202: {
        description: 'The delivery is queued.',
        schema: z.object({ deliveryId: z.string(), queued: z.int() }).meta({ id: 'SentDelivery' }),
      },
    },
    refusals: [404, 409],
    document: DeliverWebhookDocument,
    variables: ({ params: { id }, body: { payload, deliveryId } }) => ({
      id,
      payload: payload ?? null,
      deliveryId: deliveryId ?? null,
      isTest: deliveryId === undefined,
    }),
    answer: ({ testWebhook, redeliver }, { body }) =>
      json(202, { deliveryId: testWebhook?.deliveryId ?? body.deliveryId, queued: redeliver?.count ?? 1 }),
  }),
  defineRoute({
    method: 'get',
    path: '/webhooks/{id}/deliveries',
    name: 'listWebhookDeliveries',
    tag,
    summary: 'Lists the deliveries to a webhook, newest event first.',
    params,
    query: z.object({
      status: z.array(z.enum(deliveryStatuses)).optional().describe('Only deliveries with one of these statuses.'),
      event: z.array(z.string()).optional().describe('Only events of these types.'),
      from: moment('Made not before.'),
      to: moment('Made not after.'),
      ...listQuery(),
    }),
    answers: { 200: { description: 'A page of deliveries.', schema: z.array(delivery), headers: linkHeader } },
    refusals: [404],
    document: WebhookDeliveriesDocument,
    async variables({ params: { id }, query, operations }) {
      const { from = null, to = null, event: eventType = null } = query
      const status = query.status?.map((one) => one.toUpperCase() as DeliveryStatus) ?? null
      const where = { webhookId: id, status, eventType, from, to }
      const pageInfo = async (page: { first: number; after: string | null }) =>
        (await operations.run(WebhookDeliveryPagesDocument, { where, ...page })).deliveries.pageInfo
      return { id, where, first: query.limit, after: await placeOf(query, pageInfo) }
    },
    answer(data, asked) {
      found(data.webhook, `webhook ${asked.params.id}`)
      const { nodes, pageInfo } = data.deliveries
      return answerPage(nodes.map(toDelivery), pageInfo, asked)
    },
  }),
]
