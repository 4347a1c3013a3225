import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Follower } from '#test/support/follower.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { createTestDatabase, startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, deliveryThat, endedDelivery, loopbackAllowed, trigger } from '#test/support/webhooks.ts'

let server: TestServer
let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
  server = await startTestServer({ env: loopbackAllowed })
})
afterAll(async () => {
  await server.close()
  await receiver.close()
})

interface Redelivery {
  readonly count?: number
  readonly code?: string
}

async function redeliver(input: Record<string, unknown>): Promise<Redelivery> {
  const { redeliver: done } = await graphqlData<{ redeliver: Redelivery }>(
    server,
    'mutation ($input: RedeliverInput!) { redeliver(input: $input) { ... on RedeliverPayload { count } ... on Failure { code } } }',
    { input },
  )
  return done
}

async function listed(where: Record<string, unknown>): Promise<{ id: string; status: string }[]> {
  const query = 'query ($where: DeliveryFilter) { deliveries(where: $where, first: 200) { nodes { id status } } }'
  return (await graphqlData<{ deliveries: { nodes: { id: string; status: string }[] } }>(server, query, { where }))
    .deliveries.nodes
}

describe('deliveries', () => {
  it('are found by what they are, the newest first, page by page', async () => {
    const { id: webhookId } = await createWebhook(server, {
      url: `${receiver.url}/list`,
      events: ['list.*'],
      retry: { maxAttempts: 1 },
    })
    await receiver.got(1, 'list')
    receiver.answer((_req, res, { body }) => res.writeHead(body.includes('list.bad') ? 500 : 204).end())
    const ids: string[] = []
    for (const type of ['list.good', 'list.bad', 'list.good'])
      ids.push((await trigger(server, { type, subject: `list:${ids.length}` })).deliveryIds[0]!)
    for (const id of ids) await endedDelivery(server, id)
    const all = await listed({ webhookId })
    expect(all.map(({ id }) => id).slice(0, 3)).toEqual(ids.toReversed())
    expect(all).toHaveLength(4)
    expect(await listed({ webhookId, status: ['FAILED'] })).toEqual([{ id: ids[1], status: 'FAILED' }])
    expect(await listed({ webhookId, eventType: ['list.bad'] })).toHaveLength(1)
    expect(await listed({ webhookId, subject: 'list:2' })).toEqual([{ id: ids[2], status: 'DELIVERED' }])
    expect(await listed({ webhookId, outcome: ['server_error'] })).toHaveLength(1)
    expect(await listed({ webhookId, to: '2020-01-01T00:00:00Z' })).toEqual([])
    expect(await listed({ webhookId: 'no id' })).toEqual([])
    const page = `query ($id: ID, $after: String) { deliveries(where: { webhookId: $id }, first: 3, after: $after) {
      nodes { id } pageInfo { hasNextPage endCursor } } }`
    type Page = { deliveries: { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } }
    const first = await graphqlData<Page>(server, page, { id: webhookId })
    const after = first.deliveries.pageInfo.endCursor
    const second = await graphqlData<Page>(server, page, { id: webhookId, after })
    expect([first.deliveries.pageInfo.hasNextPage, second.deliveries.nodes.length]).toEqual([true, 1])
    expect((await graphql(server, page, { after: 'bm9uc2Vuc2U' })).errors?.[0]?.extensions?.['code']).toBe(
      'INVALID_CURSOR',
    )
    receiver.answer((_req, res) => res.writeHead(204).end())
  })

  it('are sent live, and again from a cursor', async () => {
    const { id } = await createWebhook(server, { url: `${receiver.url}/live`, events: ['live.one'] })
    await receiver.got(1, 'live')
    const query = `subscription ($id: ID) { stream: deliveryUpdates(webhookId: $id) {
      kind cursor deliveryId status attempt outcome responseStatus delivery { eventType } } }`
    const follower = await Follower.open(server, query, { id })
    const { deliveryIds } = await trigger(server, { type: 'live.one' })
    const told = await follower.find(
      (update) => (update as never as { deliveryId: string }).deliveryId === deliveryIds[0],
    )
    expect(told).toMatchObject({
      kind: 'ATTEMPT',
      status: 'DELIVERED',
      attempt: 1,
      outcome: 'success',
      responseStatus: 204,
      delivery: { eventType: 'live.one' },
    })
    await follower.close()
  })

  it('are counted', async () => {
    const { id } = await createWebhook(server, {
      url: `${receiver.url}/count`,
      events: ['count.one'],
      retry: { maxAttempts: 1 },
    })
    await receiver.got(1, 'count')
    await trigger(server, { type: 'count.one' })
    await receiver.got(2, 'count')
    receiver.answer((_req, res, { path }) => res.writeHead(path === '/count' ? 500 : 204).end())
    await trigger(server, { type: 'count.one' })
    await receiver.got(3, 'count')
    const query = `query ($id: ID!) { webhook(id: $id) { statistics {
      delivered undelivered attempts failedAttempts failuresInARow waiting averageMs lastDeliveryAt lastFailureAt } } }`
    const statistics = await until(async () => {
      const { webhook } = await graphqlData<{ webhook: { statistics: { attempts: number } } }>(server, query, { id })
      return webhook.statistics.attempts === 3 && webhook.statistics
    })
    expect(statistics).toMatchObject({
      delivered: 2,
      undelivered: 1,
      failedAttempts: 1,
      failuresInARow: 1,
      waiting: 0,
      averageMs: expect.any(Number),
      lastDeliveryAt: expect.any(String),
      lastFailureAt: expect.any(String),
    })
    receiver.answer((_req, res) => res.writeHead(204).end())
  })
})

describe('delivering again', () => {
  it('is under the same id, and from the beginning of the plan', async () => {
    await createWebhook(server, { url: `${receiver.url}/again`, events: ['again.one'], retry: { maxAttempts: 1 } })
    const { deliveryIds } = await trigger(server, { type: 'again.one', data: { a: 1 } })
    await endedDelivery(server, deliveryIds[0]!)
    expect(await redeliver({ deliveryId: deliveryIds[0], dryRun: true })).toEqual({ count: 1 })
    expect(await redeliver({ deliveryId: deliveryIds[0] })).toEqual({ count: 1 })
    expect(await deliveryThat(server, deliveryIds[0]!, ({ attempt }) => attempt === 2)).toMatchObject({
      status: 'DELIVERED',
    })
    const [, first, second] = await receiver.got(3, 'again')
    expect([second?.body, second?.headers['webhook-id']]).toEqual([first?.body, deliveryIds[0]])
  })

  it('is for all that has failed since a time, and counted before', async () => {
    const { id: webhookId } = await createWebhook(server, {
      url: `${receiver.url}/failed`,
      events: ['failed.one'],
      retry: { maxAttempts: 1 },
    })
    await receiver.got(1, 'failed')
    receiver.answer((_req, res, { path }) => res.writeHead(path === '/failed' ? 400 : 204).end())
    const since = new Date(Date.now() - 1_000).toISOString()
    const ids: string[] = []
    for (let count = 0; count < 3; count += 1) ids.push((await trigger(server, { type: 'failed.one' })).deliveryIds[0]!)
    for (const id of ids) await endedDelivery(server, id)
    receiver.answer((_req, res) => res.writeHead(204).end())
    expect(await redeliver({ webhookId, failedSince: since, dryRun: true })).toEqual({ count: 3 })
    expect(await listed({ webhookId, status: ['FAILED'] })).toHaveLength(3)
    expect(await redeliver({ webhookId, failedSince: since })).toEqual({ count: 3 })
    for (const id of ids) await deliveryThat(server, id, ({ status }) => status === 'DELIVERED')
    expect(await redeliver({ webhookId, failedSince: since })).toEqual({ count: 0 })
  })

  it('is for events of a time, also those from before the webhook was there', async () => {
    const from = new Date(Date.now() - 1_000).toISOString()
    for (let count = 0; count < 5; count += 1) await trigger(server, { type: 'early.one', data: { count } })
    const { id: webhookId } = await createWebhook(server, { url: `${receiver.url}/early`, events: ['early.one'] })
    await receiver.got(1, 'early')
    expect(await redeliver({ webhookId, eventsFrom: from, dryRun: true })).toEqual({ count: 5 })
    expect(await redeliver({ webhookId, eventsFrom: from })).toEqual({ count: 5 })
    await receiver.got(6, 'early')
    const ids = (await listed({ webhookId })).map(({ id }) => id)
    for (const id of ids) await endedDelivery(server, id)
    expect(await redeliver({ webhookId, eventsFrom: from })).toEqual({ count: 5 })
    await receiver.got(11, 'early')
    expect((await listed({ webhookId })).map(({ id }) => id)).toEqual(ids)
  })

  it('is for events of a time while a transaction of another database is open', async () => {
    const neighbour = await createTestDatabase()
    const open = new pg.Client({ connectionString: neighbour.url })
    await open.connect()
    try {
      await open.query('BEGIN; SELECT pg_current_xact_id()')
      const from = new Date(Date.now() - 1_000).toISOString()
      const { id: webhookId } = await createWebhook(server, { url: `${receiver.url}/beside`, events: ['beside.one'] })
      await trigger(server, { type: 'beside.one' })
      expect(await redeliver({ webhookId, eventsFrom: from, dryRun: true })).toEqual({ count: 1 })
    } finally {
      await open.end()
      await neighbour.drop()
    }
  })

  it('is refused where it makes no sense', async () => {
    const { id: webhookId } = await createWebhook(server, { url: `${receiver.url}/no`, events: ['no.one'] })
    const now = new Date().toISOString()
    const nothing = '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11'
    expect(await redeliver({})).toEqual({ code: 'INVALID_INPUT' })
    expect(await redeliver({ webhookId })).toEqual({ code: 'INVALID_INPUT' })
    expect(await redeliver({ failedSince: now })).toEqual({ code: 'INVALID_INPUT' })
    expect(await redeliver({ webhookId, failedSince: now, eventsFrom: now })).toEqual({ code: 'INVALID_INPUT' })
    expect(await redeliver({ deliveryId: nothing })).toEqual({ code: 'NOT_FOUND' })
    expect(await redeliver({ webhookId: nothing, failedSince: now })).toEqual({ code: 'NOT_FOUND' })
  })
})

describe('an event of one’s own', () => {
  it('is written once under one key', async () => {
    await createWebhook(server, { url: `${receiver.url}/keyed`, events: ['keyed.one'] })
    const once = { type: 'keyed.one', data: { a: 1 }, idempotencyKey: 'one' }
    const first = await trigger(server, once)
    const second = await trigger(server, once)
    expect([first.deduplicated, second.deduplicated]).toEqual([false, true])
    expect({ ...second, deduplicated: false }).toEqual(first)
    await expect(trigger(server, { ...once, data: { a: 2 } })).rejects.toThrow('belongs to a request')
  })

  it.each([
    [{ type: 'task.completed' }, 'server alone'],
    [{ type: 'auth.signed_in' }, 'server alone'],
    [{ type: 'webhook.ping' }, 'server alone'],
    [{ type: 'one' }, 'a.b'],
    [{ type: 'a.b.c.d.e' }, 'a.b'],
    [{ type: 'A.B' }, 'a.b'],
    [{ type: 'own.one', data: [1] }, 'must be an object'],
    [{ type: 'own.one', data: { text: 'x'.repeat(300_000) } }, 'at most'],
    [{ type: 'own.one', data: { text: '\u0000' } }, 'NUL'],
    [{ type: 'own.one', subject: 'no kind' }, 'kind:id'],
  ])('is not %.80j', async (input, reason) => {
    await expect(trigger(server, input)).rejects.toThrow(reason)
  })
})
