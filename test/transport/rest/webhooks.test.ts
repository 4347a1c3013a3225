import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { clientOf, makeToken, nextPage, type RestClient, signInPerson } from '#test/support/rest.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { endedDelivery, loopbackAllowed } from '#test/support/webhooks.ts'

let server: TestServer
let rest: RestClient
let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
  server = await startTestServer({ env: loopbackAllowed })
  rest = clientOf(server)
})
afterAll(async () => {
  await server.close()
  await receiver.close()
})

interface Hook {
  readonly id: string
  readonly secret: string
}

async function make(path: string, more: Record<string, unknown> = {}): Promise<Hook> {
  const body = { name: path, event: `${path}.one`, config: { url: `${receiver.url}/${path}` }, ...more }
  const { status, body: made } = await rest.ask<Hook>('POST /api/webhooks', { body })
  expect(status).toBe(201)
  await receiver.got(1, path)
  return made
}

describe('/api/webhooks', () => {
  it('makes, shows, changes and deletes', async () => {
    const config = { url: `${receiver.url}/life`, method: 'PUT', headers: { authorization: 'hush', 'x-a': '1' } }
    const body = {
      name: 'life',
      events: ['life.*'],
      event: 'life.one',
      config,
      timeout: 500,
      retryCount: 2,
      retryDelay: 30,
    }
    const made = await rest.ask<Hook>('POST /sfp/api/webhooks', { body })
    const { id, secret } = made.body
    expect([made.status, made.headers.get('location')]).toEqual([201, `/sfp/api/webhooks/${id}`])
    expect(secret).toMatch(/^whsec_/)
    const shown = await rest.ask(`GET /api/webhooks/${id}`)
    expect(shown.body).toMatchObject({
      name: 'life',
      event: 'life.one',
      events: ['life.one', 'life.*'],
      provider: 'standard',
      config: { ...config, headers: { authorization: '********', 'x-a': '1' }, filter: null },
      timeout: 500,
      retryCount: 2,
      retryDelay: 30,
      status: 'active',
      createdBy: 'owner',
    })
    expect(shown.body).toHaveProperty('statistics.delivered')
    expect(shown.body).toHaveProperty('recentDeliveries')
    const changes = { status: 'inactive', provider: 'slack', config: { url: `${receiver.url}/other` } }
    expect((await rest.ask(`PATCH /api/webhooks/${id}`, { body: changes })).body).toMatchObject({
      status: 'inactive',
      provider: 'slack',
      config: { url: `${receiver.url}/other`, method: 'PUT' },
      retryCount: 2,
    })
    expect((await rest.ask(`DELETE /api/webhooks/${id}`)).status).toBe(204)
    expect((await rest.ask(`GET /api/webhooks/${id}`)).status).toBe(404)
    expect((await rest.ask(`DELETE /api/webhooks/${id}`)).status).toBe(404)
  })

  it('lists, a page at a time', async () => {
    const ids = [await make('list-1'), await make('list-2')].map(({ id }) => id)
    const page = await rest.ask<Hook[]>('GET /api/webhooks?limit=1&status=active')
    expect(page.body.map(({ id }) => id)).toEqual([ids[1]])
    expect((await rest.ask<Hook[]>(`GET ${nextPage(page)}`)).body[0]?.id).toBe(ids[0])
  })

  it.each([
    [{ name: 'x', config: { url: 'https://example.com' } }, 422, 'events'],
    [{ name: 'x', event: 'a.b', config: {} }, 422, 'config.url'],
    [{ name: 'x', event: 'a.b', config: { url: 'ftp://example.com' } }, 422, 'config.url'],
    [{ name: 'x', event: 'Not', config: { url: 'https://nowhere.invalid' } }, 422, 'events'],
    [
      { name: 'x', event: 'a.b', config: { url: 'https://nowhere.invalid', headers: { host: 'x' } } },
      422,
      'config.headers',
    ],
  ])('refuses %j', async (body, status, path) => {
    const answer = await rest.ask('POST /api/webhooks', { body })
    expect(answer.status).toBe(status)
    expect(JSON.stringify(answer.body)).toContain(path)
  })

  it('triggers an event, once under one key', async () => {
    await make('trigger')
    await receiver.got(1, 'trigger')
    const body = { event: 'trigger.one', payload: { version: 'v1' }, subject: 'release:v1' }
    const headers = { 'idempotency-key': 'trigger-1' }
    const first = await rest.ask('POST /api/webhooks/trigger', { body, headers })
    expect(first).toMatchObject({
      status: 202,
      body: { queued: 1, deliveryIds: [expect.any(String)], subject: 'release:v1' },
    })
    expect((await rest.ask('POST /api/webhooks/trigger', { body, headers })).body).toEqual(first.body)
    const [, sent] = await receiver.got(2, 'trigger')
    expect(JSON.parse(sent!.body)).toMatchObject({ type: 'trigger.one', data: { version: 'v1' } })
    expect((await rest.ask('POST /api/webhooks/trigger', { body: { event: 'task.completed' } })).status).toBe(422)
  })

  it('sends a test, and a delivery again', async () => {
    const { id } = await make('deliver')
    await receiver.got(1, 'deliver')
    const test = await rest.ask<{ deliveryId: string }>(`POST /api/webhooks/${id}/deliver`, {
      body: { payload: { a: 1 } },
    })
    expect(test.status).toBe(202)
    const [, sent] = await receiver.got(2, 'deliver')
    expect(JSON.parse(sent!.body)).toMatchObject({ type: 'webhook.ping', data: { payload: { a: 1 } } })
    const { deliveryId } = test.body
    expect(sent!.headers['webhook-id']).toBe(deliveryId)
    await endedDelivery(server, deliveryId)
    expect((await rest.ask(`POST /api/webhooks/${id}/deliver`, { body: { deliveryId } })).body).toEqual({
      deliveryId,
      queued: 1,
    })
    await receiver.got(3, 'deliver')
    const list = `GET /api/webhooks/${id}/deliveries?status=delivered&event=webhook.ping`
    const told = await until(async () => {
      const { body } = await rest.ask<{ id: string; attempts: number }[]>(list)
      return body.some(({ attempts }) => attempts === 2) && body
    })
    expect(told.map((one) => one.id)).toContain(deliveryId)
  })

  it('is for owners; events are for applications too', async () => {
    const member = await signInPerson(server, 'MEMBER')
    expect((await rest.ask('GET /api/webhooks', { token: member.token })).body).toMatchObject({
      statusCode: 403,
      message: 'Forbidden - Requires role: owner',
    })
    const token = await makeToken(server, ['events:write'], 'same')
    const body = { event: 'application.one' }
    expect((await rest.ask('POST /api/webhooks/trigger', { body, token })).status).toBe(202)
    expect((await rest.ask('GET /api/webhooks', { token })).status).toBe(403)
  })
})
