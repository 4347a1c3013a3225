import { Webhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { verifyWebhook } from '#client/index.ts'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import {
  createWebhook,
  deleteWebhook,
  deliveryThat,
  endedDelivery,
  loopbackAllowed,
  quickRetry,
  trigger,
} from '#test/support/webhooks.ts'

let server: TestServer
let receiver: Receiver
let paths = 0
/** Of the present test. */
const made: string[] = []

beforeAll(async () => {
  receiver = await startReceiver()
  server = await startTestServer({ env: loopbackAllowed })
})
afterEach(async () => {
  receiver.answer((_req, res) => res.writeHead(204).end())
  for (const id of made.splice(0)) await deleteWebhook(server, id)
})
afterAll(async () => {
  await server.close()
  await receiver.close()
})

/** A webhook with a path of its own. */
async function hook(input: Record<string, unknown> = {}) {
  paths += 1
  const path = `hook-${paths}`
  const webhook = await createWebhook(server, { url: `${receiver.url}/${path}`, ...input })
  made.push(webhook.id)
  await receiver.got(1, path)
  return { ...webhook, path }
}

describe('a delivery', () => {
  it('keeps an attempt that ends when its webhook was deleted meanwhile', async () => {
    const { id, path } = await hook()
    const reached = Promise.withResolvers<() => void>()
    receiver.answer((_req, res) => reached.resolve(() => res.writeHead(204).end()))
    const { deliveryIds } = await trigger(server, { type: 'test.deleted' })
    const answer = await reached.promise
    await deleteWebhook(server, id)
    made.splice(made.indexOf(id), 1)
    answer()
    const kept = await deliveryThat(server, deliveryIds[0]!, ({ attempts }) => attempts.length > 0)
    expect(kept).toMatchObject({ status: 'CANCELLED', attempts: [{ number: 1, outcome: 'success' }] })
    expect(receiver.received.filter((one) => one.path === `/${path}`)).toHaveLength(2)
  })

  it('carries an event, signed as others verify it, under its own id', async () => {
    const { path, secret } = await hook()
    const { deliveryIds } = await trigger(server, { type: 'test.one', data: { a: 1 }, subject: 'test:1' })
    const [, sent] = await receiver.got(2, path)
    expect(JSON.parse(sent!.body)).toMatchObject({ type: 'test.one', data: { a: 1 } })
    expect(sent!.headers['webhook-id']).toBe(deliveryIds[0])
    const headers = sent!.headers as Record<string, string>
    expect(new Webhook(secret).verify(sent!.body, headers)).toMatchObject({ type: 'test.one' })
    expect(() => new SvixWebhook(secret).verify(sent!.body, headers)).not.toThrow()
    expect(verifyWebhook(headers, sent!.body, { secret }).id).toBe(deliveryIds[0])
    expect(await endedDelivery(server, deliveryIds[0]!)).toMatchObject({
      eventType: 'test.one',
      subject: 'test:1',
      status: 'DELIVERED',
      attempt: 1,
      outcome: 'success',
      responseStatus: 204,
    })
  })

  it('comes of what the server itself does', async () => {
    const { path } = await hook({ events: ['task.completed'] })
    const id = await submitTask(server, { type: 'probe' })
    const [, sent] = await receiver.got(2, path)
    expect(JSON.parse(sent!.body)).toMatchObject({ type: 'task.completed', data: { status: 'COMPLETED' } })
    expect(id).toBeDefined()
  })

  it('is attempted again with the same id and its own time, up to the last attempt', async () => {
    const { path } = await hook({ retry: { ...quickRetry, maxAttempts: 3 } })
    receiver.answer((_req, res) => res.writeHead(500, { 'x-why': 'broken' }).end('no'))
    const { deliveryIds } = await trigger(server, { type: 'test.again' })
    const ended = await endedDelivery(server, deliveryIds[0]!)
    expect(ended).toMatchObject({ status: 'FAILED', attempt: 3, outcome: 'server_error' })
    expect(
      ended.attempts.map(({ number, responseStatus, responseBody }) => [number, responseStatus, responseBody]),
    ).toEqual([
      [3, 500, 'no'],
      [2, 500, 'no'],
      [1, 500, 'no'],
    ])
    expect(ended.attempts[0]?.responseHeaders).toMatchObject({ 'x-why': 'broken' })
    const sent = (await receiver.got(4, path)).slice(1)
    expect(new Set(sent.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(deliveryIds))
    expect(sent).toHaveLength(3)
  })

  it('is taken at a later attempt', async () => {
    const { path } = await hook({ retry: quickRetry })
    let asked = 0
    receiver.answer((_req, res) => res.writeHead(++asked < 3 ? 503 : 200).end())
    const { deliveryIds } = await trigger(server, { type: 'test.later' })
    expect(await endedDelivery(server, deliveryIds[0]!)).toMatchObject({ status: 'DELIVERED', attempt: 3 })
    expect(await receiver.got(4, path)).toHaveLength(4)
  })

  it('waits as the receiver asks, and is not attempted again where it wants no retry', async () => {
    await hook({ retry: { ...quickRetry, maxDelayMs: 3_600_000 } })
    receiver.answer((_req, res) => res.writeHead(429, { 'retry-after': '600' }).end())
    const { deliveryIds } = await trigger(server, { type: 'test.wait' })
    const waiting = await deliveryThat(server, deliveryIds.at(-1)!, ({ attempt }) => attempt === 1)
    expect(Date.parse(waiting.nextAttemptAt!) - Date.now()).toBeGreaterThan(500_000)
    receiver.answer((_req, res) => res.writeHead(500, { 'webhook-retry': 'stop' }).end())
    const stopped = await trigger(server, { type: 'test.stop' })
    expect(await endedDelivery(server, stopped.deliveryIds.at(-1)!)).toMatchObject({ status: 'FAILED', attempt: 1 })
  })

  it('is attempted again only after statuses that were named', async () => {
    await hook({ events: ['test.named'], retry: { ...quickRetry, maxAttempts: 2, statusCodes: [503] } })
    receiver.answer((_req, res) => res.writeHead(500).end())
    const other = await trigger(server, { type: 'test.named' })
    expect(await endedDelivery(server, other.deliveryIds.at(-1)!)).toMatchObject({ status: 'FAILED', attempt: 1 })
    receiver.answer((_req, res) => res.writeHead(503).end())
    const named = await trigger(server, { type: 'test.named' })
    expect(await endedDelivery(server, named.deliveryIds.at(-1)!)).toMatchObject({ status: 'FAILED', attempt: 2 })
  })

  it('keeps the first 4 KiB of an answer, however long it is', async () => {
    await hook({ events: ['test.long'], retry: { maxAttempts: 1 } })
    receiver.answer((_req, res) => res.end('x'.repeat(10_000)))
    const long = await trigger(server, { type: 'test.long' })
    const { attempts } = await endedDelivery(server, long.deliveryIds.at(-1)!)
    expect(attempts[0]?.responseBody).toHaveLength(4_096)
    receiver.answer((_req, res) => res.end('x'.repeat(2_000_000)))
    const endless = await trigger(server, { type: 'test.long' })
    expect(await endedDelivery(server, endless.deliveryIds.at(-1)!)).toMatchObject({
      status: 'DELIVERED',
      outcome: 'success',
      attempts: [{ responseBody: 'x'.repeat(4_096) }],
    })
  })

  it('says why there was no answer', async () => {
    const silent = await hook({ events: ['test.silent'], retry: { maxAttempts: 1 }, timeoutMs: 1_500 })
    receiver.answer(() => {})
    const timeout = await trigger(server, { type: 'test.silent' })
    expect(await endedDelivery(server, timeout.deliveryIds.at(-1)!)).toMatchObject({ outcome: 'timeout' })
    receiver.answer((req) => req.socket.destroy())
    const broken = await trigger(server, { type: 'test.silent' })
    expect(await endedDelivery(server, broken.deliveryIds.at(-1)!)).toMatchObject({ outcome: 'refused' })
    expect(silent.id).toBeDefined()
  })

  it('follows no redirect', async () => {
    await hook({ events: ['test.redirect'], retry: { maxAttempts: 1 } })
    receiver.answer((_req, res) => res.writeHead(302, { location: 'http://169.254.169.254/' }).end())
    const { deliveryIds } = await trigger(server, { type: 'test.redirect' })
    const ended = await endedDelivery(server, deliveryIds.at(-1)!)
    expect(ended).toMatchObject({ status: 'FAILED', outcome: 'client_error', responseStatus: 302 })
    expect(ended.attempts[0]).toMatchObject({
      error: expect.stringContaining('Redirects are not followed'),
      responseHeaders: { location: 'http://169.254.169.254/' },
    })
  })

  it('leaves out what looks like a credential, and what it was told to', async () => {
    const { path } = await hook({ events: ['test.redacted'], redact: ['customer.email', 'list.*.ssn'] })
    const data = {
      password: 'p',
      nested: { apiKey: 'k', keep: 1 },
      customer: { email: 'a@b', id: 2 },
      list: [{ ssn: 3 }],
    }
    await trigger(server, { type: 'test.redacted', data })
    const [, sent] = await receiver.got(2, path)
    expect(JSON.parse(sent!.body).data).toEqual({
      password: '[redacted]',
      nested: { apiKey: '[redacted]', keep: 1 },
      customer: { email: '[redacted]', id: 2 },
      list: [{ ssn: '[redacted]' }],
    })
  })

  it('is created where the filter matches, and nowhere else', async () => {
    const { path } = await hook({ events: ['test.filtered'], filter: { path: 'size', gte: 10 } })
    expect((await trigger(server, { type: 'test.filtered', data: { size: 9 } })).deliveryIds).toEqual([])
    expect((await trigger(server, { type: 'test.filtered', data: { size: 10 } })).deliveryIds).toHaveLength(1)
    const [, sent] = await receiver.got(2, path)
    expect(JSON.parse(sent!.body).data).toEqual({ size: 10 })
  })

  it('carries a header of the webhook’s own in place of ours, once, whatever its case', async () => {
    const { path } = await hook({ headers: { 'User-Agent': 'Mine/1', 'Webhook-Subject': 'mine' } })
    const [ping] = await receiver.got(1, path)
    expect(ping?.headers).toMatchObject({ 'user-agent': 'Mine/1', 'webhook-subject': 'mine' })
  })

  it('carries headers of the webhook’s own, of which secret ones are shown to nobody', async () => {
    const headers = { 'x-mine': 'open', authorization: 'Bearer very-secret' }
    const { id, path } = await hook({ headers, secretHeaders: { 'x-other': 'hidden-too' }, method: 'PUT' })
    const [ping] = await receiver.got(1, path)
    expect(ping).toMatchObject({ method: 'PUT', headers: { ...headers, 'x-other': 'hidden-too' } })
    const { webhook } = await graphqlData<{ webhook: { headers: object } }>(
      server,
      'query ($id: ID!) { webhook(id: $id) { headers } }',
      { id },
    )
    expect(webhook.headers).toEqual({ 'x-mine': 'open', authorization: '********', 'x-other': '********' })
    const stored = await server.database.query('SELECT * FROM webhook WHERE id = $1', [id])
    expect(JSON.stringify(stored)).not.toMatch(/very-secret|hidden-too|whsec_/)
  })

  it('is signed by both keys while they are changed', async () => {
    const { id, path, secret } = await hook({ events: ['test.rotated'] })
    const rotate = `mutation ($input: RotateWebhookSecretInput!) { rotateWebhookSecret(input: $input) {
      ... on RotateWebhookSecretPayload { secret } ... on InvalidInput { message } } }`
    const { rotateWebhookSecret: rotated } = await graphqlData<{ rotateWebhookSecret: { secret: string } }>(
      server,
      rotate,
      { input: { id, overlapMs: 60_000 } },
    )
    await trigger(server, { type: 'test.rotated' })
    const [, both] = await receiver.got(2, path)
    for (const key of [secret, rotated.secret])
      expect(verifyWebhook(both!.headers as never, both!.body, { secret: key })).toBeDefined()
    const { rotateWebhookSecret: next } = await graphqlData<{ rotateWebhookSecret: { secret: string } }>(
      server,
      rotate,
      { input: { id, overlapMs: 0, signing: 'ED25519' } },
    )
    await trigger(server, { type: 'test.rotated' })
    const [, , one] = await receiver.got(3, path)
    expect(one!.headers['webhook-signature']).toMatch(/^v1a,[^ ]+$/)
    expect(verifyWebhook(one!.headers as never, one!.body, { secret: next.secret })).toBeDefined()
    expect(() => verifyWebhook(one!.headers as never, one!.body, { secret })).toThrow()
    const { rotateWebhookSecret: refused } = await graphqlData<{ rotateWebhookSecret: { message: string } }>(
      server,
      rotate,
      { input: { id, overlapMs: 8 * 24 * 3_600_000 } },
    )
    expect(refused.message).toContain('at most seven days')
  })
})
