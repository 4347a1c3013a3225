import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf, makeToken, nextPage, type RestClient, signInPerson } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let rest: RestClient
beforeAll(async () => {
  server = await sharedServer()
  rest = clientOf(server)
})
afterAll(() => server.close())

let count = 0
function fresh(): string {
  count += 1
  return `rest-${count}`
}

const make = (key: string, value: unknown, more: object = {}) =>
  rest.ask('POST /api/key-value', { body: { key, value, ...more } })

describe('POST /key-value', () => {
  it.each(['/api', '/sfp/api'])('creates an entry once, with its Location, under %s', async (prefix) => {
    const key = `${fresh()}/a b`
    const made = await rest.ask(`POST ${prefix}/key-value`, { body: { key, value: { a: [1] } } })
    expect(made).toMatchObject({ status: 201, body: { key, value: { a: [1] }, version: 1 } })
    expect(Object.fromEntries(made.headers)).toMatchObject({
      etag: '"1"',
      location: `${prefix}/key-value/${encodeURIComponent(key)}`,
    })
    expect(await rest.ask(`GET ${made.headers.get('location')}`)).toMatchObject({
      status: 200,
      body: { key, value: { a: [1] }, version: 1 },
    })
    expect(await rest.ask(`POST ${prefix}/key-value`, { body: { key, value: 2 } })).toMatchObject({
      status: 409,
      body: { code: 'ALREADY_EXISTS' },
    })
  })

  it('keeps it for the given number of seconds', async () => {
    const key = fresh()
    await make(key, 1, { ttl: 1 })
    await until(async () => (await rest.ask(`GET /api/key-value/${key}`)).status === 404)
    expect((await make(key, 2)).status).toBe(201)
  })

  it.each([
    [{ key: 'a' }, 'value'],
    [{ value: 1 }, 'key'],
    [{ key: 'a//b', value: 1 }, 'key'],
    [{ key: 'a', value: 1, ttl: 0 }, 'ttl'],
    [{ key: 'a', value: 1, ttl: 1.5 }, 'ttl'],
    [{ key: 'a', value: 2 ** 60 }, 'value'],
    [{ key: 'a', value: 1, version: 1 }, ''],
  ])('refuses %j', async (body, path) => {
    expect(await rest.ask('POST /api/key-value', { body })).toMatchObject({ status: 422, body: { issues: [{ path }] } })
  })
})

describe('POST /key-value/upsert', () => {
  it('keeps a value, whether or not there is one', async () => {
    const key = fresh()
    for (const version of [1, 2])
      expect(await rest.ask('POST /api/key-value/upsert', { body: { key, value: null } })).toMatchObject({
        status: 200,
        body: { key, value: null, version },
      })
  })

  it('leaves the name to be a key as well', async () => {
    await make('upsert', 1)
    expect((await rest.ask('GET /api/key-value/upsert')).body).toEqual({ key: 'upsert', value: 1, version: 1 })
  })
})

describe('GET /key-value/{key}', () => {
  it('knows keys with every sign in them, encoded', async () => {
    for (const key of ['a/b/c', 'per%cent', 'a%2Fb', 'ä ö', '?x=1', '#', '+', '\u{1f600}']) {
      const path = encodeURIComponent(`${fresh()}/${key}`)
      await make(decodeURIComponent(path), key)
      const { status, headers, body } = await rest.ask(`GET /api/key-value/${path}`)
      expect([key, status, headers.get('etag'), body['value']]).toEqual([key, 200, '"1"', key])
    }
  })

  it('has none for what is not there, or can be no key', async () => {
    expect(await rest.ask(`GET /api/key-value/${fresh()}`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    expect((await rest.ask('GET /api/key-value/a%2F%2Fb')).status).toBe(422)
    expect((await rest.ask('GET /api/key-value/a%00b')).status).toBe(404)
  })
})

describe('PUT and DELETE /key-value/{key}', () => {
  it('change what is there, and make nothing', async () => {
    const key = fresh()
    const put = (value: unknown, headers = {}) => rest.ask(`PUT /api/key-value/${key}`, { body: { value }, headers })
    expect((await put(1)).status).toBe(404)
    expect((await put(1, { 'if-match': '*' })).status).toBe(412)
    expect((await rest.ask(`DELETE /api/key-value/${key}`)).status).toBe(404)
    await make(key, 1)
    const changed = await put(2)
    expect(changed).toMatchObject({ status: 200, body: { key, value: 2, version: 2 } })
    expect(changed.headers.get('etag')).toBe('"2"')
    const { status, body } = await rest.ask(`DELETE /api/key-value/${key}`)
    expect([status, body]).toEqual([204, ''])
    expect((await rest.ask(`GET /api/key-value/${key}`)).status).toBe(404)
  })

  it('hold to the version that If-Match names', async () => {
    const key = fresh()
    await make(key, 1)
    const put = (ifMatch: string) =>
      rest.ask(`PUT /api/key-value/${key}`, { body: { value: 2 }, headers: { 'if-match': ifMatch } })
    for (const wrong of ['"2"', 'W/"2"', '1', '"x"', '"99999999999"', '"0"'])
      expect([wrong, (await put(wrong)).status]).toEqual([wrong, 412])
    expect((await put('"1", "2"')).status).toBe(400)
    expect(await put('"2"')).toMatchObject({ body: { code: 'PRECONDITION_FAILED' } })
    // A proxy that compresses makes a weak tag of ours.
    expect((await put('W/"1"')).status).toBe(200)
    expect((await put('*')).body).toMatchObject({ version: 3 })
    const remove = (ifMatch: string) => rest.ask(`DELETE /api/key-value/${key}`, { headers: { 'if-match': ifMatch } })
    expect((await remove('"1"')).status).toBe(412)
    expect((await remove('"3"')).status).toBe(204)
    expect((await remove('"3"')).status).toBe(412)
    expect((await remove('*')).status).toBe(412)
  })
})

describe('GET /key-value', () => {
  it('lists by prefix, in pages and by offset', async () => {
    const prefix = `${fresh()}/`
    const keys = ['a', 'b', 'c', 'd'].map((name) => prefix + name)
    for (const key of keys) await make(key, key)
    const all = keys.map((key) => ({ key, value: key, version: 1 }))
    expect((await rest.ask(`GET /api/key-value?prefix=${prefix}`)).body).toEqual(all)
    const first = await rest.ask(`GET /api/key-value?prefix=${prefix}&limit=3`)
    expect(first.body).toEqual(all.slice(0, 3))
    expect((await rest.ask(`GET ${nextPage(first)}`)).body).toEqual(all.slice(3))
    expect((await rest.ask(`GET /api/key-value?prefix=${prefix}&offset=1&limit=2`)).body).toEqual(all.slice(1, 3))
    expect((await rest.ask('GET /api/key-value?prefix=a%2F%2F')).status).toBe(422)
  })
})

describe('who may', () => {
  it('is owners and applications, and members to read', async () => {
    const key = fresh()
    await make(key, 1)
    const owner = await signInPerson(server, 'OWNER')
    const member = await signInPerson(server, 'MEMBER')
    const application = await makeToken(server, ['entries:write'], 'same')
    const put = (token: string) => rest.ask(`PUT /api/key-value/${key}`, { token, body: { value: 2 } })
    for (const token of [owner.token, application]) expect((await put(token)).status).toBe(200)
    expect(await put(member.token)).toMatchObject({
      status: 403,
      body: { message: 'Forbidden - Requires role: owner' },
    })
    expect((await rest.ask(`GET /api/key-value/${key}`, { token: member.token })).status).toBe(200)
    expect((await rest.ask('GET /api/key-value', { token: member.token })).status).toBe(200)
  })
})
