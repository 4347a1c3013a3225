import { createServer } from 'node:https'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { selfSigned } from '#test/support/certificate.ts'
import { toldEvents } from '#test/support/events.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import {
  createWebhook,
  deleteWebhook,
  endedDelivery,
  loopbackAllowed,
  refusedWebhook,
  trigger,
  updatedWebhook,
} from '#test/support/webhooks.ts'

let server: TestServer
let strict: TestServer
let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
  server = await startTestServer({ env: { ...loopbackAllowed, QUOTA_WEBHOOKS: '30' } })
  strict = await startTestServer({ env: { NODE_ENV: 'production', LOG_LEVEL: 'silent' } })
})
afterEach(() => receiver.answer((_req, res) => res.writeHead(204).end()))
afterAll(async () => {
  await server.close()
  await strict.close()
  await receiver.close()
})

function webhook<Fields>(id: string, fields: string): Promise<{ webhook: Fields | null }> {
  return graphqlData(server, `query ($id: ID!) { webhook(id: $id) { ${fields} } }`, { id })
}

describe('an address', () => {
  it.each([
    ['https://user:secret@example.com/', 'must not carry credentials'],
    ['https://token@example.com/', 'must not carry credentials'],
    ['https://', 'URL with a host'],
    ['not a url', 'URL with a host'],
    ['ftp://example.com', 'must be an https: URL'],
    ['http://example.com', 'must be an https: URL'],
    ['https://example.com/#part', 'fragment'],
    ['https://:@example.com/', 'must not carry credentials'],
    ['https:///no-host', 'URL with a host'],
    ['https:127.0.0.1', 'URL with a host'],
    ['https://example.com\\@127.0.0.1/', 'URL with a host'],
    ['https://exam\nple.com/', 'URL with a host'],
    ['https://localhost./', 'leads where nothing may be sent'],
    ['https://LocalHost.:8443/', 'leads where nothing may be sent'],
    ['https://any.localhost/', 'leads where nothing may be sent'],
    ['https://ｌｏｃａｌｈｏｓｔ/', 'leads where nothing may be sent'],
    ['https://l%6fcalhost/', 'leads where nothing may be sent'],
    ['https://１２７.０.０.１/', 'leads where nothing may be sent'],
    ['https://127.0.0.1./', 'leads where nothing may be sent'],
    ['https://017700000001/', 'leads where nothing may be sent'],
    ['https://0/', 'leads where nothing may be sent'],
    ['https://localhost/', 'leads where nothing may be sent'],
    ['https://LOCALHOST:8443/', 'leads where nothing may be sent'],
    ['https://127.0.0.1/', 'leads where nothing may be sent'],
    ['https://127.1/', 'leads where nothing may be sent'],
    ['https://0x7f000001/', 'leads where nothing may be sent'],
    ['https://2130706433/', 'leads where nothing may be sent'],
    ['https://0177.0.0.1/', 'leads where nothing may be sent'],
    ['https://[::1]/', 'leads where nothing may be sent'],
    ['https://[::ffff:127.0.0.1]/', 'leads where nothing may be sent'],
    ['https://[::ffff:7f00:1]/', 'leads where nothing may be sent'],
    ['https://[64:ff9b::7f00:1]/', 'leads where nothing may be sent'],
    ['https://169.254.169.254/latest/meta-data', 'leads where nothing may be sent'],
    ['https://10.0.0.1/', 'leads where nothing may be sent'],
    ['https://[fd00::1]/', 'leads where nothing may be sent'],
  ])('is not %s', async (url, reason) => {
    const { code, issues } = await refusedWebhook(strict, { url })
    expect([code, issues?.[0]?.path]).toEqual(['INVALID_INPUT', 'url'])
    expect(issues?.[0]?.message).toContain(reason)
  })

  it('may be one that nobody knows yet', async () => {
    expect(await refusedWebhook(strict, { url: 'https://nowhere.invalid/' })).toEqual({})
  })

  it('is asked first where that is wanted, and has to agree', async () => {
    const url = `${receiver.url}/handshake`
    expect(await refusedWebhook(server, { url, handshake: true })).toMatchObject({ code: 'UPSTREAM_FAILED' })
    receiver.answer((req, res) => {
      expect(req.headers['webhook-request-origin'] ?? 'none').toBe(req.method === 'OPTIONS' ? 'signalbox' : 'none')
      res.writeHead(200, { 'webhook-allowed-origin': 'other.example' }).end()
    })
    expect((await refusedWebhook(server, { url, handshake: true })).message).toContain('does not name us')
    receiver.answer((_req, res) => res.writeHead(200, { 'webhook-allowed-origin': '*' }).end())
    expect(await refusedWebhook(server, { url, handshake: true })).toEqual({})
    expect((await receiver.got(4, 'handshake')).map(({ method }) => method)).toEqual([
      'OPTIONS',
      'OPTIONS',
      'OPTIONS',
      'POST',
    ])
  })

  it('is verified by its first delivery, and not before', async () => {
    receiver.answer((_req, res) => res.writeHead(500).end())
    const bad = await createWebhook(server, { url: `${receiver.url}/bad`, retry: { maxAttempts: 1 } })
    await receiver.got(1, 'bad')
    receiver.answer((_req, res) => res.writeHead(204).end())
    const good = await createWebhook(server, { url: `${receiver.url}/good` })
    await until(
      async () => (await webhook<{ verifiedAt: string | null }>(good.id, 'verifiedAt')).webhook?.verifiedAt != null,
    )
    expect((await webhook<{ verifiedAt: string | null }>(bad.id, 'verifiedAt')).webhook?.verifiedAt).toBeNull()
  })

  it('with a certificate that nobody vouches for gets nothing', async () => {
    const tls = await startReceiver(createServer(selfSigned))
    const { id } = await createWebhook(server, { url: tls.url, events: ['test.tls'], retry: { maxAttempts: 1 } })
    const { deliveryIds } = await trigger(server, { type: 'test.tls' })
    expect(await endedDelivery(server, deliveryIds.at(-1)!)).toMatchObject({ status: 'FAILED', outcome: 'tls' })
    expect(tls.received).toEqual([])
    await deleteWebhook(server, id)
    await tls.close()
  })
})

describe('a webhook', () => {
  it.each([
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(101) }, 'name'],
    [{ events: [] }, 'events'],
    [{ events: ['Task.Completed'] }, 'events.0'],
    [{ events: ['task.**'] }, 'events.0'],
    [{ headers: { 'x-a\r\nx-b': '1' } }, 'headers.x-a\r\nx-b'],
    [{ headers: { 'x-a': '1\r\nx-b: 2' } }, 'headers.x-a'],
    [{ headers: { 'x-a': 1 } }, 'headers.x-a'],
    [{ headers: { Host: 'example.com' } }, 'headers.Host'],
    [{ headers: { 'X-A': '1', 'x-a': '2' } }, 'headers'],
    [{ headers: { 'webhook-signature': 'v1,forged' } }, 'headers.webhook-signature'],
    [{ secretHeaders: { 'content-length': '0' } }, 'secretHeaders.content-length'],
    [{ headers: ['a'] }, 'headers'],
    [{ timeoutMs: 30_001 }, 'timeoutMs'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ retry: { maxAttempts: 51 } }, 'retry.maxAttempts'],
    [{ retry: { delayMs: -1 } }, 'retry.delayMs'],
    [{ retry: { backoff: 'FIXED', scheduleMs: [1] } }, 'retry.scheduleMs'],
    [{ retry: { scheduleMs: [] } }, 'retry.scheduleMs'],
    [{ retry: { statusCodes: [200] } }, 'retry.statusCodes.0'],
    [{ concurrency: 101 }, 'concurrency'],
    [{ ratePerSecond: 0 }, 'ratePerSecond'],
    [{ format: 'GRAPHQL' }, 'document'],
    [{ document: '{ viewer { id } }' }, 'document'],
    [{ format: 'GRAPHQL', document: '{ nothing }' }, 'document'],
    [{ format: 'GRAPHQL', document: 'mutation { cancelTask(input: { id: "x" }) { __typename } }' }, 'document'],
    [
      { format: 'GRAPHQL', document: 'query ($other: String) { events(subject: $other) { nodes { type } } }' },
      'document',
    ],
    [{ format: 'GRAPHQL', document: '{ viewer { id }' }, 'document'],
    [{ filter: { path: 'a', matches: '(' } }, 'filter.matches'],
    [{ filter: 'size > 3' }, 'filter'],
    [{ name: 'a\u0000b' }, ''],
  ])('is not %j', async (input, path) => {
    const { code, issues } = await refusedWebhook(server, { url: receiver.url, ...input })
    expect([code, issues?.[0]?.path]).toEqual(['INVALID_INPUT', path])
  })

  it('can’t receive security events from a maker who may not read the audit log', async () => {
    const { token } = await addToken(server, { accountId: await ownAccount(server), scopes: ['webhooks:admin'] })
    const input = { url: receiver.url, events: ['auth.*'] }
    expect(await refusedWebhook(server, input, token)).toMatchObject({ code: 'FORBIDDEN' })
    const { id } = await createWebhook({ url: server.url, token }, { ...input, events: ['*'] })
    await deleteWebhook(server, id)
  })

  it('is changed at once, in what was named', async () => {
    const { id } = await createWebhook(server, {
      url: `${receiver.url}/before`,
      events: ['test.changed'],
      headers: { authorization: 'kept', 'x-a': '1' },
      retry: { backoff: 'LINEAR', delayMs: 7, maxAttempts: 3 },
    })
    const changes = { id, url: `${receiver.url}/after`, name: 'changed', retry: { maxAttempts: 4 } }
    expect(await updatedWebhook(server, changes)).toBe('changed')
    await trigger(server, { type: 'test.changed' })
    const [sent] = await receiver.got(1, 'after')
    expect(sent?.headers).toMatchObject({ authorization: 'kept', 'x-a': '1' })
    const fields = 'name events retry { backoff delayMs maxAttempts scheduleMs } headers createdBy { name }'
    expect(await webhook(id, fields)).toEqual({
      webhook: {
        name: 'changed',
        events: ['test.changed'],
        retry: { backoff: 'LINEAR', delayMs: 7, maxAttempts: 4, scheduleMs: [] },
        headers: { authorization: '********', 'x-a': '1' },
        createdBy: { name: 'owner' },
      },
    })
    expect(await updatedWebhook(server, { id, retry: null, headers: null, secretHeaders: null })).toBe('changed')
    expect(await webhook(id, 'headers retry { backoff maxAttempts }')).toEqual({
      webhook: { headers: {}, retry: { backoff: 'SCHEDULE', maxAttempts: 8 } },
    })
    expect(await updatedWebhook(server, { id, status: 'FAILED' })).toContain('status')
    await deleteWebhook(server, id)
    expect(await updatedWebhook(server, { id, name: 'x' })).toBe(`There is no webhook ${id}.`)
  })

  it('gets nothing while it is INACTIVE, and nothing any more once it is deleted', async () => {
    const { id } = await createWebhook(server, { url: `${receiver.url}/off`, events: ['off.one'] })
    await receiver.got(1, 'off')
    await updatedWebhook(server, { id, status: 'INACTIVE' })
    expect((await trigger(server, { type: 'off.one' })).deliveryIds).toEqual([])
    await updatedWebhook(server, { id, status: 'ACTIVE' })
    receiver.answer((_req, res) => res.writeHead(500).end())
    const { deliveryIds } = await trigger(server, { type: 'off.one' })
    await receiver.got(2, 'off')
    await deleteWebhook(server, id)
    expect(await endedDelivery(server, deliveryIds[0]!)).toMatchObject({ status: 'CANCELLED' })
    expect((await trigger(server, { type: 'off.one' })).deliveryIds).toEqual([])
    expect(await webhook(id, 'id')).toEqual({ webhook: null })
    const [row] = await server.database.query<{ keys: unknown }>('SELECT keys FROM webhook WHERE id = $1', [id])
    expect(row?.keys).toBeNull()
  })

  it('is created once per idempotency key', async () => {
    const input = { url: `${receiver.url}/once`, idempotencyKey: 'once' }
    await createWebhook(server, input)
    expect(await refusedWebhook(server, input)).toMatchObject({ code: 'TOKEN_SHOWN' })
    expect(await refusedWebhook(server, { ...input, name: 'other' })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
  })

  it('is announced by events that carry no secret', async () => {
    const { id, secret } = await createWebhook(server, {
      url: `${receiver.url}/told`,
      headers: { authorization: 'hush' },
    })
    const told = await toldEvents(server, ['webhook.created'], ({ data }) => data['name'] === 'one')
    expect(JSON.stringify(told)).not.toMatch(/hush|whsec_/)
    expect([id, secret].every(Boolean)).toBe(true)
  })

  it('is one of so many as the account may have', async () => {
    const made = await server.database.query('SELECT 1 FROM webhook WHERE deleted_at IS NULL')
    for (let count = made.length; count < 30; count += 1)
      await createWebhook(server, { url: `${receiver.url}/many`, events: ['test.many'] })
    expect(await refusedWebhook(server, { url: receiver.url })).toMatchObject({ code: 'QUOTA_EXCEEDED' })
  })
})
