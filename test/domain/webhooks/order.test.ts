import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toldEvents } from '#test/support/events.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import {
  createWebhook,
  deliveryThat,
  endedDelivery,
  loopbackAllowed,
  quickRetry,
  trigger,
  updatedWebhook,
} from '#test/support/webhooks.ts'

let server: TestServer
let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
  server = await startTestServer({ env: { ...loopbackAllowed, WEBHOOK_DISABLE_AFTER: '10', WEBHOOK_SLOTS: '20' } })
})
afterAll(async () => {
  await server.close()
  await receiver.close()
})

const ok = (_req: unknown, res: { writeHead(status: number): { end(): void } }) => res.writeHead(204).end()

describe('in order per subject', () => {
  it('no event overtakes another of its subject, whatever fails', async () => {
    const events = ['order.step']
    await createWebhook(server, {
      url: `${receiver.url}/order`,
      events,
      order: 'PER_SUBJECT',
      retry: quickRetry,
      concurrency: 8,
    })
    const taken: { subject: string; step: number }[] = []
    const tries = new Map<string, number>()
    receiver.answer((_req, res, { path, body }) => {
      const { data, type } = JSON.parse(body)
      if (path !== '/order' || type !== 'order.step') return ok(undefined, res)
      const key = `${data.subject} ${data.step}`
      const made = (tries.get(key) ?? 0) + 1
      tries.set(key, made)
      // Each third one fails at first.
      if (data.step % 3 === 1 && made === 1) return res.writeHead(500).end()
      taken.push(data)
      res.writeHead(204).end()
    })
    const subjects = ['a', 'b', 'c']
    for (let step = 0; step < 12; step += 1)
      for (const subject of subjects)
        await trigger(server, { type: 'order.step', subject: `thing:${subject}`, data: { subject, step } })
    await until(() => taken.length === 36)
    for (const subject of subjects)
      expect(taken.filter((one) => one.subject === subject).map(({ step }) => step)).toEqual(
        Array.from({ length: 12 }, (_, step) => step),
      )
    receiver.answer(ok)
  })

  it('subjects do not wait for each other', async () => {
    const retry = { backoff: 'FIXED', delayMs: 600_000, maxDelayMs: 600_000 }
    await createWebhook(server, { url: `${receiver.url}/apart`, events: ['apart.one'], order: 'PER_SUBJECT', retry })
    receiver.answer((_req, res, { body }) => res.writeHead(JSON.parse(body).data.bad ? 500 : 204).end())
    const bad = await trigger(server, { type: 'apart.one', subject: 'thing:bad', data: { bad: true } })
    await deliveryThat(server, bad.deliveryIds[0]!, ({ attempt }) => attempt === 1)
    const behind = await trigger(server, { type: 'apart.one', subject: 'thing:bad' })
    const other = await trigger(server, { type: 'apart.one', subject: 'thing:good' })
    expect(await endedDelivery(server, other.deliveryIds[0]!)).toMatchObject({ status: 'DELIVERED' })
    expect(await deliveryThat(server, behind.deliveryIds[0]!, () => true)).toMatchObject({
      status: 'PENDING',
      attempt: 0,
    })
    receiver.answer(ok)
  })

  it('a subject that stands still keeps no other waiting, however much waits behind it', async () => {
    const retry = { backoff: 'FIXED', delayMs: 600_000, maxDelayMs: 600_000 }
    const events = ['document.created', 'document.updated']
    await createWebhook(server, { url: `${receiver.url}/behind`, events, order: 'PER_SUBJECT', retry })
    receiver.answer((_req, res, { body }) => res.writeHead(body.includes('stuck') ? 500 : 204).end())
    const write = (key: string, count: number) =>
      graphqlData(server, 'mutation ($input: WriteDocumentsInput!) { writeDocuments(input: $input) { __typename } }', {
        input: {
          writes: Array.from({ length: count }, (_, n) => ({ put: { collection: 'behind', key, data: { n } } })),
        },
      })
    // More than are looked through for what can be attempted.
    for (let batch = 0; batch < 5; batch += 1) await write('stuck', 500)
    await write('free', 3)
    const arrived = () => receiver.received.filter(({ path, body }) => path === '/behind' && body.includes('free'))
    await until(() => arrived().length === 3)
    expect(arrived().map(({ body }) => JSON.parse(body).data.version)).toEqual([1, 2, 3])
    receiver.answer(ok)
  })
})

describe('an event that the server cannot make a request of', () => {
  /** As an earlier version of the server accepted it: nested so deeply that no reader can follow. */
  const write = (type: string, subject: string) =>
    server.database.query(
      `INSERT INTO journal (account_id, type, subject, actor, data)
       SELECT id, $1, $2, '{"kind": "system", "id": "test", "name": "test"}', ('{"a":' || repeat('[', $3) || repeat(']', $3) || '}')::jsonb
       FROM account`,
      [type, subject, 4_300],
    )
  const deliveriesOf = async (type: string) => {
    const query = 'query ($where: DeliveryFilter) { deliveries(where: $where) { nodes { id } } }'
    return graphqlData<{ deliveries: { nodes: { id: string }[] } }>(server, query, { where: { eventType: [type] } })
  }

  it('fails after its attempts, and the later events of its subject arrive', async () => {
    const retry = { ...quickRetry, maxAttempts: 3 }
    await createWebhook(server, { url: `${receiver.url}/poison`, events: ['poison.one'], order: 'PER_SUBJECT', retry })
    await write('poison.one', 'thing:poison')
    const later = await trigger(server, { type: 'poison.one', subject: 'thing:poison', data: { step: 2 } })
    expect(await endedDelivery(server, later.deliveryIds[0]!)).toMatchObject({ status: 'DELIVERED' })
    const { deliveries } = await deliveriesOf('poison.one')
    const poisoned = deliveries.nodes.map(({ id }) => id).find((id) => id !== later.deliveryIds[0])!
    const { status, attempts } = await endedDelivery(server, poisoned)
    expect([status, attempts.map(({ outcome }) => outcome)]).toEqual(['FAILED', Array(3).fill('internal_error')])
    expect(attempts[0]).toMatchObject({ responseStatus: null, error: expect.stringContaining('inside the server') })
    expect(receiver.received.filter(({ path, body }) => path === '/poison' && !body.includes('ping'))).toHaveLength(1)
  })
})

describe('an order that is changed', () => {
  it('to none lets go what waits, and what had failed is delivered again', async () => {
    const retry = { backoff: 'FIXED', delayMs: 600_000, maxDelayMs: 600_000, statusCodes: [503] }
    const order = 'PER_SUBJECT'
    const { id } = await createWebhook(server, { url: `${receiver.url}/loose`, events: ['loose.one'], order, retry })
    receiver.answer((_req, res, { body }) => res.writeHead(JSON.parse(body).data.status ?? 204).end())
    const send = async (status: number) => {
      const data = { status }
      const { deliveryIds } = await trigger(server, { type: 'loose.one', subject: `thing:${status}`, data })
      return deliveryIds[0]!
    }
    const failed = await send(400)
    expect(await endedDelivery(server, failed)).toMatchObject({ status: 'FAILED' })
    await deliveryThat(server, await send(503), ({ attempt }) => attempt === 1)
    const { deliveryIds } = await trigger(server, { type: 'loose.one', subject: 'thing:503' })
    await updatedWebhook(server, { id, order: 'NONE' })
    expect(await endedDelivery(server, deliveryIds[0]!)).toMatchObject({ status: 'DELIVERED' })
    receiver.answer(ok)
    await graphqlData(server, 'mutation ($id: ID!) { redeliver(input: { deliveryId: $id }) { __typename } }', {
      id: failed,
    })
    await deliveryThat(server, failed, ({ status, attempt }) => status === 'DELIVERED' && attempt === 2)
  })

  it('to one per subject leaves no earlier delivery behind', async () => {
    const { id } = await createWebhook(server, {
      url: `${receiver.url}/strict`,
      events: ['strict.one'],
      retry: quickRetry,
    })
    receiver.answer((_req, res) => res.writeHead(503).end())
    const { deliveryIds } = await trigger(server, { type: 'strict.one' })
    await deliveryThat(server, deliveryIds[0]!, ({ attempt }) => attempt > 0)
    await updatedWebhook(server, { id, order: 'PER_SUBJECT' })
    receiver.answer(ok)
    expect(await endedDelivery(server, deliveryIds[0]!)).toMatchObject({ status: 'DELIVERED' })
  })
})

describe('a receiver that is dead or slow', () => {
  it('keeps nobody else waiting, and takes only its own slots', async () => {
    const open: { end(): void }[] = []
    let most = 0
    receiver.answer((_req, res, { path }) => {
      if (path !== '/stuck') return ok(undefined, res)
      open.push(res)
      most = Math.max(most, open.length)
    })
    await createWebhook(server, {
      url: `${receiver.url}/stuck`,
      events: ['stuck.one'],
      concurrency: 3,
      timeoutMs: 30_000,
    })
    await createWebhook(server, { url: `${receiver.url}/free`, events: ['stuck.one'] })
    for (let count = 0; count < 40; count += 1) await trigger(server, { type: 'stuck.one' })
    expect(await receiver.got(41, 'free')).toHaveLength(41)
    expect(most).toBe(3)
    receiver.answer(ok)
    for (const res of open) res.end()
    await receiver.got(41, 'stuck')
  })

  it('is warned of, switched off in the end, and can be given another chance', async () => {
    const { id } = await createWebhook(server, {
      url: `${receiver.url}/dead`,
      events: ['dead.one'],
      retry: { maxAttempts: 1 },
    })
    await receiver.got(1, 'dead')
    // The circuit opens for seconds: what counts here is the row that says so.
    receiver.answer((_req, res, { path }) => res.writeHead(path === '/dead' ? 400 : 204).end())
    const progress = async (deliveryId: string) => {
      type Progress = { webhook: { status: string }; delivery: { status: string } | null }
      const statuses =
        'query ($id: ID!, $deliveryId: ID!) { webhook(id: $id) { status } delivery(id: $deliveryId) { status } }'
      const { webhook, delivery } = await graphqlData<Progress>(server, statuses, { id, deliveryId })
      return { isSwitchedOff: webhook.status === 'FAILED', hasEnded: delivery?.status === 'FAILED' }
    }
    for (;;) {
      const { deliveryIds } = await trigger(server, { type: 'dead.one' })
      if (deliveryIds.length === 0) break
      // A delivery of an event that comes just before the webhook is switched off is never made.
      await until(async () => {
        const { isSwitchedOff, hasEnded } = await progress(deliveryIds[0]!)
        return isSwitchedOff || hasEnded
      })
    }
    const isIt = ({ data }: { data: Record<string, unknown> }) => data['name'] === 'one'
    const disabled = await toldEvents(server, ['webhook.disabled'], isIt)
    expect(disabled[0]?.data['reason']).toMatch(/attempts in a row have failed/)
    const warned = await toldEvents(server, ['webhook.failing'], isIt)
    expect(warned.at(-1)?.data).toMatchObject({ percent: 100, disableAfter: 10 })
    const query =
      'query ($id: ID!) { webhook(id: $id) { status statusReason statistics { failuresInARow failedAttempts } } }'
    expect(await graphqlData(server, query, { id })).toMatchObject({ webhook: { status: 'FAILED' } })
    expect((await trigger(server, { type: 'dead.one' })).deliveryIds).toEqual([])
    receiver.answer(ok)
    await graphqlData(
      server,
      'mutation ($input: UpdateWebhookInput!) { updateWebhook(input: $input) { __typename } }',
      {
        input: { id, status: 'ACTIVE' },
      },
    )
    const { deliveryIds } = await trigger(server, { type: 'dead.one' })
    expect(await endedDelivery(server, deliveryIds[0]!)).toMatchObject({ status: 'DELIVERED' })
    expect(await graphqlData(server, query, { id })).toMatchObject({
      webhook: { status: 'ACTIVE', statusReason: null },
    })
  })

  it('that is gone for good is switched off at once', async () => {
    const { id } = await createWebhook(server, { url: `${receiver.url}/gone`, events: ['gone.one'] })
    await receiver.got(1, 'gone')
    receiver.answer((_req, res, { path }) => res.writeHead(path === '/gone' ? 410 : 204).end())
    const { deliveryIds } = await trigger(server, { type: 'gone.one' })
    expect(await endedDelivery(server, deliveryIds[0]!)).toMatchObject({ status: 'FAILED', attempt: 1 })
    const query = 'query ($id: ID!) { webhook(id: $id) { status statusReason } }'
    const { webhook } = await until(async () => {
      const found = await graphqlData<{ webhook: { status: string; statusReason: string } }>(server, query, { id })
      return found.webhook.status === 'FAILED' && found
    })
    expect(webhook.statusReason).toContain('410')
    receiver.answer(ok)
  })
})
