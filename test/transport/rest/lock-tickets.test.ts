import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { entriesOf } from '#test/support/entries.ts'
import { clientOf, makeToken, type RestClient } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let rest: RestClient
let pipeline: string
let stranger: string
beforeAll(async () => {
  server = await sharedServer()
  rest = clientOf(server)
  const accountId = await ownAccount(server)
  pipeline = (await addToken(server, { accountId, scopes: ['entries:write'] })).token
  stranger = (await addToken(server, { accountId, scopes: ['entries:write'] })).token
})
afterAll(() => server.close())

interface Ticket {
  readonly id: string
  readonly ticketId: string
  readonly status: string
  readonly queuePosition: number
  readonly fence: number | null
  readonly leaseStart: string | null
  readonly createdAt: string
}

let count = 0
/** A place that no other test uses, as the body and as the path of a request. */
function fresh(resource = 'prod') {
  count += 1
  const repository = `acme/shop-${count}`
  return {
    repository,
    resource,
    name: `${repository}/${resource}`,
    path: `/api/locks/${encodeURIComponent(repository)}/${encodeURIComponent(resource)}`,
  }
}
type Place = ReturnType<typeof fresh>

function request({ repository, resource }: Place, leaseDurationSeconds = 300, token = pipeline) {
  return rest.ask<Ticket>('POST /api/locks', { body: { repository, resource, leaseDurationSeconds }, token })
}

async function ticketOf({ path }: Place, { id }: Ticket) {
  return (await rest.ask<Ticket>(`GET ${path}/${id}`)).body
}

describe('a lock’s ticket', () => {
  it('holds a lock that nobody held, and waits for one without anybody being connected', async () => {
    const place = fresh()
    const { status, headers, body: first } = await request(place)
    expect([status, headers.get('location')]).toEqual([201, `${place.path}/${first.id}`])
    expect(first).toEqual({
      id: first.ticketId,
      ticketId: expect.any(String),
      repository: place.repository,
      resource: 'prod',
      status: 'acquired',
      queuePosition: 0,
      reason: null,
      fence: expect.any(Number),
      holder: expect.objectContaining({ kind: 'application' }),
      leaseStart: expect.any(String),
      leaseEnd: expect.any(String),
      leaseDurationSeconds: 300,
      createdAt: expect.any(String),
      updatedAt: first.leaseStart,
    })
    const { body: second } = await request(place, 60, stranger)
    const { body: third } = await request(place)
    expect([second, third]).toMatchObject([
      { status: 'queued', queuePosition: 1, fence: null, leaseStart: null, leaseDurationSeconds: 60 },
      { status: 'queued', queuePosition: 2 },
    ])
    const { body: all } = await rest.ask<Ticket[]>(`GET ${place.path}`)
    expect(all.map(({ id, status }) => [id, status])).toEqual([
      [first.id, 'acquired'],
      [second.id, 'queued'],
      [third.id, 'queued'],
    ])
    const released = await rest.ask<Ticket>(`DELETE ${place.path}/${first.id}`, { token: pipeline })
    expect([released.status, released.body]).toMatchObject([200, { id: first.id, status: 'released' }])
    expect(await ticketOf(place, second)).toMatchObject({
      status: 'acquired',
      queuePosition: 0,
      leaseDurationSeconds: 60,
      createdAt: expect.stringMatching(second.createdAt.slice(0, 19)),
    })
    expect(await ticketOf(place, third)).toMatchObject({ status: 'queued', queuePosition: 1 })
    for (const method of ['GET', 'DELETE'])
      expect(await rest.ask(`${method} ${place.path}/${first.id}`)).toMatchObject({
        status: 404,
        body: { code: 'NOT_FOUND' },
      })
  })

  it('has its turn although nobody looks, and stays in the queue longer than a caller that has gone', async () => {
    const place = fresh()
    await request(place, 1)
    const { body: next } = await request(place)
    await server.database.query("UPDATE lock_waiter SET queued_at = queued_at - interval '1 hour' WHERE id = $1", [
      next.id,
    ])
    await until(async () => (await ticketOf(place, next)).status === 'acquired')
  })

  it('shares the queue, the fence and the name with the lock itself', async () => {
    const place = fresh()
    const entries = entriesOf(server)
    const held = await entries.acquire(place.name)
    const [holder] = (await rest.ask<Ticket[]>(`GET ${place.path}`)).body
    expect(holder).toMatchObject({ id: String(held.lock?.fence), status: 'acquired' })
    const { body: ticket } = await request(place)
    const waiting = entries.acquire(place.name, { waitMs: 30_000 })
    await until(async () => (await rest.ask<Ticket[]>(`GET ${place.path}`)).body.length === 3)
    await entries.release(place.name, held.lock?.fence ?? 0)
    const { fence } = await ticketOf(place, ticket)
    const renewal = { body: { fence, leaseDurationSeconds: 600 }, token: pipeline }
    expect((await rest.ask(`PUT /api/locks/${encodeURIComponent(place.name)}`, renewal)).status).toBe(200)
    await rest.ask(`DELETE ${place.path}/${ticket.id}`, { token: pipeline })
    expect((await waiting).lock?.fence).toBeGreaterThan(fence ?? 0)
  })

  it('is released by the caller that requested it, or by an administrator of the account', async () => {
    const place = fresh()
    const { body: held } = await request(place)
    const { body: queued } = await request(place)
    for (const { id } of [queued, held]) {
      const refused = await rest.ask(`DELETE ${place.path}/${id}`, { token: stranger })
      expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    }
    expect((await rest.ask(`DELETE ${place.path}/${queued.id}`)).body).toMatchObject({ status: 'released' })
    expect((await rest.ask(`DELETE ${place.path}/${held.id}`)).body).toMatchObject({ status: 'released' })
    expect((await rest.ask(`GET ${place.path}`)).body).toEqual([])
  })

  it('is not found in another account, nor under another lock', async () => {
    const place = fresh()
    const { body: ticket } = await request(place)
    const other = await makeToken(server, ['entries:write', 'access:admin'], 'other')
    expect((await rest.ask(`GET ${place.path}/${ticket.id}`, { token: other })).status).toBe(404)
    expect((await rest.ask(`DELETE ${place.path}/${ticket.id}`, { token: other })).status).toBe(404)
    expect((await rest.ask(`GET ${fresh().path}/${ticket.id}`)).status).toBe(404)
    expect((await rest.ask(`GET ${place.path}/x%27%22`)).status).toBe(404)
    expect(await ticketOf(place, ticket)).toMatchObject({ status: 'acquired' })
  })
})

describe('a lock', () => {
  it('is cleared with its queue by those who administer the account', async () => {
    const place = fresh()
    await request(place)
    await request(place)
    expect((await rest.ask(`DELETE ${place.path}`, { token: pipeline })).status).toBe(403)
    expect((await rest.ask(`DELETE ${place.path}`)).status).toBe(204)
    expect((await rest.ask(`GET ${place.path}`)).body).toEqual([])
    expect((await rest.ask(`DELETE ${place.path}`)).status).toBe(404)
    expect((await request(place)).body).toMatchObject({ status: 'acquired' })
  })

  it('is another one for each repository and resource, whatever their slashes', async () => {
    const place = fresh('a/b')
    const { repository } = place
    const twins = [place, { ...place, repository: `${repository}/a`, resource: 'b' }, { ...place, resource: 'a%2Fb' }]
    for (const twin of twins) expect((await request(twin)).body).toMatchObject({ status: 'acquired' })
  })

  it.each([
    [{ repository: 'a' }, 'resource'],
    [{ repository: 'a', resource: 'b', leaseDurationSeconds: 0 }, 'leaseDurationSeconds'],
    [{ repository: 'a', resource: 'b', leaseDurationSeconds: 1, waitSeconds: 1 }, ''],
    [{ repository: '', resource: 'b', leaseDurationSeconds: 1 }, 'repository'],
    [{ repository: 'a', resource: '\u0000', leaseDurationSeconds: 1 }, 'repository'],
  ])('is not requested with %j', async (body, path) => {
    const refused = await rest.ask<{ issues: { path: string }[] }>('POST /api/locks', { body })
    expect([refused.status, refused.body.issues.map((issue) => issue.path)]).toEqual([
      422,
      expect.arrayContaining([path]),
    ])
  })
})
