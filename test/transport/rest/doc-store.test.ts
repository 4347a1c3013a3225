import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf, type RestClient } from '#test/support/rest.ts'
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

const doc = (key: string) => `/api/doc-store/docs/${encodeURIComponent(key)}`
const inside = (name: string, key: string) =>
  `/sfp/api/doc-store/collections/${encodeURIComponent(name)}/docs/${encodeURIComponent(key)}`

describe('a document', () => {
  it('is created with 201, replaced with 200, and read with its version as ETag', async () => {
    const made = await rest.ask(`POST ${doc('a/b')}`, { body: { value: { n: 1 } } })
    expect([made.status, made.headers.get('etag'), made.headers.get('location')]).toEqual([201, '"1"', doc('a/b')])
    const replaced = await rest.ask(`POST ${doc('a/b')}`, { body: { value: { n: 2 } } })
    expect([replaced.status, replaced.headers.get('etag')]).toEqual([200, '"2"'])
    const read = await rest.ask(`GET ${doc('a/b')}`)
    expect([read.status, read.headers.get('etag')]).toEqual([200, '"2"'])
    expect(read.body).toMatchObject({ collection: 'default', key: 'a/b', value: { n: 2 }, version: 2 })
    expect((await rest.ask(`GET ${doc('a/b')}`, { headers: { 'if-none-match': '"2"' } })).status).toBe(304)
    expect((await rest.ask(`GET ${doc('a/b')}?version=1`)).body).toMatchObject({ value: { n: 1 }, version: 1 })
    const then = encodeURIComponent(String(made.body['updatedAt']))
    expect((await rest.ask(`GET ${doc('a/b')}?at=${then}`)).body).toMatchObject({ version: 1 })
    expect((await rest.ask(`GET ${doc('a/b')}/version`)).body).toBe(2)
    expect((await rest.ask(`GET ${doc('nowhere')}`)).status).toBe(404)
    expect((await rest.ask(`GET ${doc('nowhere')}/version`)).status).toBe(404)
  })

  it('has one spelling: a name that can’t be decoded is none', async () => {
    for (const name of ['%', 'a%zz', '%ff'])
      for (const call of [`GET /api/doc-store/docs/${name}`, `POST /api/doc-store/docs/${name}`])
        expect(await rest.ask(call, call.startsWith('POST') ? { body: { value: 1 } } : {})).toMatchObject({
          status: 400,
          body: { code: 'MALFORMED_REQUEST' },
        })
  })

  it('is refused by the names of REST', async () => {
    const refused = await rest.ask(`POST ${doc('named')}`, { body: { value: { a: 2 ** 60 } } })
    expect(refused).toMatchObject({ status: 422, body: { issues: [{ path: 'value.a' }] } })
    expect(refused.body['message']).toMatch(/value\.a: is an integer/)
  })

  it('is held by the weak tag that a compressing proxy makes, and by * for any version', async () => {
    const put = (name: string, match: string) =>
      rest.ask(`PUT ${doc(name)}`, { headers: { 'if-match': match }, body: { value: match } })
    expect(await put('any', '*')).toMatchObject({ status: 412, body: { code: 'PRECONDITION_FAILED' } })
    await rest.ask(`POST ${doc('any')}`, { body: { value: 1 } })
    expect((await put('any', 'W/"1"')).status).toBe(200)
    expect((await put('any', 'W/"1"')).status).toBe(412)
    expect((await put('any', '*')).status).toBe(200)
    expect((await put('any', '"3", "4"')).status).toBe(400)
    const merge = { 'content-type': 'Application/Merge-Patch+JSON', 'if-match': '*' }
    expect((await rest.ask(`PATCH ${doc('any')}`, { headers: merge, body: {} })).status).toBe(200)
    expect((await rest.ask(`PATCH ${doc('none')}`, { headers: merge, body: {} })).status).toBe(412)
    expect((await rest.ask(`DELETE ${doc('any')}`, { headers: { 'if-match': '*' } })).status).toBe(204)
    expect((await rest.ask(`DELETE ${doc('any')}`, { headers: { 'if-match': '*' } })).status).toBe(412)
  })

  it('is held by its version: 409 by the body, 412 by a header, 428 where one is wanted', async () => {
    await rest.ask(`POST ${doc('held')}`, { body: { value: 1 } })
    await rest.ask(`POST ${doc('held')}`, { body: { value: 2, version: 1 } })
    const late = await rest.ask(`POST ${doc('held')}`, { body: { value: 3, version: 1 } })
    expect([late.status, late.body['code']]).toEqual([409, 'VERSION_CONFLICT'])
    const status = async (call: string, headers: Record<string, string>, body?: unknown) =>
      (await rest.ask(call, { headers, body })).status
    expect(await status(`POST ${doc('held')}`, { 'if-match': '"1"' }, { value: 3 })).toBe(412)
    expect(await status(`PUT ${doc('held')}`, { 'if-none-match': '*' }, { value: 3 })).toBe(412)
    expect(await status(`DELETE ${doc('held')}`, { 'if-match': '"1"' })).toBe(412)
    expect(await status(`DELETE ${doc('held')}`, {}, { version: 1 })).toBe(409)
    expect(await status(`PUT ${doc('held')}`, { 'if-match': '"2"' }, { value: 3, version: 2 })).toBe(400)
    expect(await status(`PUT ${doc('held')}`, { 'if-match': '"2"' }, { value: 3 })).toBe(200)
    expect(await status(`PUT ${doc('new')}`, { 'if-none-match': '*' }, { value: 1 })).toBe(201)
    const again = await rest.ask(`PUT ${doc('new')}`, { headers: { 'if-none-match': '*' }, body: { value: 1 } })
    expect(again.body['message']).toBe('Document new in default already exists (version 1, written by owner).')
    await rest.ask('POST /api/doc-store/collections', { body: { name: 'wants', requireVersion: true } })
    expect(await status(`PUT ${inside('wants', 'a')}`, {}, { value: 1 })).toBe(428)
    expect(await status(`PUT ${inside('wants', 'a')}`, {}, { value: 1, version: 0 })).toBe(201)
  })

  it('is patched by either kind of patch', async () => {
    await rest.ask(`POST ${doc('patched')}`, { body: { value: { a: 1, b: 2 } } })
    const patch = (type: string, body: unknown, more: Record<string, string> = {}) =>
      rest.ask(`PATCH ${doc('patched')}`, { headers: { 'content-type': type, ...more }, body })
    expect((await patch('application/merge-patch+json', { a: null })).body).toMatchObject({
      value: { b: 2 },
      version: 2,
    })
    const test = [
      { op: 'test', path: '/b', value: 2 },
      { op: 'add', path: '/c', value: 3 },
    ]
    const patched = await patch('application/json-patch+json; charset=utf-8', test, { 'if-match': '"2"' })
    expect([patched.status, patched.body['value'], patched.headers.get('etag')]).toEqual([200, { b: 2, c: 3 }, '"3"'])
    expect((await patch('application/json-patch+json', [{ op: 'test', path: '/b', value: 7 }])).status).toBe(409)
    expect((await patch('application/merge-patch+json', {}, { 'if-match': '"1"' })).status).toBe(412)
    expect((await patch('application/strange+json', {})).status).toBe(415)
  })

  it('is deleted with 204, and its history stays', async () => {
    await rest.ask(`POST ${doc('gone')}`, { body: { value: 1 } })
    expect((await rest.ask(`DELETE ${doc('gone')}`)).status).toBe(204)
    expect((await rest.ask(`GET ${doc('gone')}`)).status).toBe(404)
    expect((await rest.ask(`GET ${doc('gone')}?version=2`)).status).toBe(404)
    expect((await rest.ask(`DELETE ${doc('gone')}`)).status).toBe(404)
    const { body } = await rest.ask<object[]>(`GET ${doc('gone')}/history`)
    expect(body).toMatchObject([
      { version: 2, deleted: true },
      { version: 1, deleted: false },
    ])
    expect((await rest.ask(`GET ${doc('nowhere')}/history`)).status).toBe(404)
  })

  it('goes when its time has come', async () => {
    await rest.ask(`POST ${doc('short')}`, { body: { value: 1, ttl: 0.1 } })
    await until(async () => (await rest.ask(`GET ${doc('short')}`)).status === 404)
  })

  it.each([
    ['names that are none', 'POST /api/doc-store/docs/a%2f..%2fb', { value: 1 }, 422],
    ['no value', `POST ${doc('a')}`, {}, 422],
    ['too much', `POST ${doc('a')}`, { value: 'x'.repeat(1_200_000) }, 413],
    ['numbers that lose digits', `POST ${doc('a')}`, '{"value": 9007199254740993}', 422],
    ['what is not JSON', `POST ${doc('a')}`, '{"value": NaN}', 400],
  ])('is refused for %s', async (_what, call, body, status) => {
    expect((await rest.ask(call, { body })).status).toBe(status)
  })
})

describe('collections', () => {
  it('are created, listed, read with their documents, and deleted', async () => {
    const made = await rest.ask('POST /api/doc-store/collections', { body: { name: 'rel/prod' } })
    expect([made.status, made.body]).toEqual([200, { id: 'rel/prod', name: 'rel/prod' }])
    expect((await rest.ask('POST /api/doc-store/collections', { body: { name: 'rel/prod' } })).status).toBe(409)
    for (const key of ['a', 'b', 'c']) await rest.ask(`PUT ${inside('rel/prod', key)}`, { body: { value: key } })
    const list = await rest.ask('GET /api/doc-store/collections?prefix=rel')
    expect(list.body).toEqual([{ id: 'rel/prod', name: 'rel/prod' }])
    const path = `/api/doc-store/collections/${encodeURIComponent('rel/prod')}`
    const read = await rest.ask<{ documents: object[] }>(`GET ${path}?limit=2`)
    expect(read.body.documents).toMatchObject([
      { key: 'a', value: 'a' },
      { key: 'b', value: 'b' },
    ])
    const [, next = ''] = /<([^>]+)>/.exec(read.headers.get('link') ?? '') ?? []
    expect((await rest.ask<{ documents: object[] }>(`GET ${next}`)).body.documents).toMatchObject([{ key: 'c' }])
    await rest.ask(`DELETE ${inside('rel/prod', 'c')}`)
    await rest.ask(`PUT ${inside('rel/prod', 'c')}`, { body: { value: 'again' } })
    const log = await rest.ask<{ changelog: object[] }>(`GET ${path}?store=changelog&limit=2`)
    expect(log.body.changelog).toMatchObject([
      { key: 'c', version: 3, deleted: false, by: { name: 'owner' } },
      { key: 'c', version: 2, deleted: true },
    ])
    const [, rest2 = ''] = /<([^>]+)>/.exec(log.headers.get('link') ?? '') ?? []
    expect((await rest.ask<{ changelog: object[] }>(`GET ${rest2}`)).body.changelog).toMatchObject([
      { key: 'c', version: 1 },
      { key: 'b' },
    ])
    expect((await rest.ask(`DELETE ${path}`)).body).toMatchObject({ documents: 3 })
    expect((await rest.ask(`GET ${path}`)).status).toBe(404)
    expect((await rest.ask(`DELETE ${path}`)).status).toBe(404)
  })

  it('are searched by path, filter and order, in pages', async () => {
    for (const [name, n] of [
      ['find/a', 1],
      ['find/a', 2],
      ['find/b', 3],
      ['other', 4],
    ] as const)
      await rest.ask(`PUT ${inside(name, `n${n}`)}`, { body: { value: { n } } })
    const query = {
      path: 'find/*',
      filter: { path: 'n', gte: 2 },
      sort: [{ path: 'n', type: 'NUMBER', direction: 'DESC' }],
      limit: 1,
    }
    const first = await rest.ask<{ nextCursor: string }>('POST /api/doc-store/query', { body: query })
    expect(first.body).toMatchObject({ items: [{ collection: 'find/b', value: { n: 3 } }] })
    const cursor = first.body.nextCursor
    const second = await rest.ask('POST /api/doc-store/query', { body: { ...query, cursor } })
    expect(second.body).toMatchObject({ items: [{ collection: 'find/a', value: { n: 2 } }], nextCursor: null })
    const inOne = `POST /api/doc-store/collections/${encodeURIComponent('find/a')}/query`
    expect((await rest.ask<{ items: object[] }>(inOne, { body: {} })).body.items).toHaveLength(2)
    expect((await rest.ask(inOne, { body: { filter: { path: 'a', nothing: 1 } } })).status).toBe(422)
  })

  it('of no name list their keys, by what they begin with', async () => {
    for (const key of ['k/1', 'k/2', 'l/1']) await rest.ask(`POST ${doc(key)}`, { body: { value: 1 } })
    expect((await rest.ask('GET /api/doc-store/docs?prefix=k/')).body).toEqual(['k/1', 'k/2'])
    const page = await rest.ask('GET /api/doc-store/docs?prefix=k/&limit=1&offset=1')
    expect(page.body).toEqual(['k/2'])
  })
})
