import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { get, put, write } from '#test/support/documents.ts'
import { graphql } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

const badParts = [
  ['the part above', '..'],
  ['the part itself', 'a/./b'],
  ['an empty part', 'a//b'],
  ['nothing', ''],
  ['a slash in front', '/a'],
  ['NUL', 'a\u0000b'],
  ['a line break', 'a\nb'],
  ['a blank at an end', 'a b '],
  ['a star', 'a*'],
  ['half of a character', 'a\ud800'],
  ['an invisible character', 'a\u200bb'],
  ['a change of direction', 'a\u202eb'],
  ['a soft hyphen', 'a\u00adb'],
  ['a letter that looks like another, of wide width', 'ａdmin'],
  ['a ligature', 'oﬃce'],
  ['a letter in two characters', 'Cafe\u0301'],
  ['two alphabets that look alike', 'pаypal'],
  ['10,000 characters', 'x'.repeat(10_000)],
] as const

describe('a name', () => {
  it.each(badParts)('with %s is refused', async (_what, name) => {
    const asKey = await write(server, 'putDocument', { key: name, data: 1 })
    expect(asKey).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'key' }] })
    const asPath = await write(server, 'putDocument', { collection: name, key: 'a', data: 1 })
    expect(asPath).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'collection' }] })
    expect(await get(server, name)).toBeNull()
  })

  it.each([
    'a',
    'v1.2.3-rc.1+build',
    'user@example.com',
    '2026-01-01T00:00:00Z',
    'über/Größe',
    '東京',
    'сервер',
    'x'.repeat(512),
  ])('such as %j is taken', async (key) => {
    await put(server, key, key)
    expect(await get(server, key)).toMatchObject({ key, data: key })
  })

  it('of a collection has at most 16 parts of 128 characters', async () => {
    const parts = (count: number, length: number) => Array.from({ length: count }, () => 'x'.repeat(length)).join('/')
    expect(await put(server, 'a', 1, { collection: parts(16, 31) })).toMatchObject({ version: 1 })
    for (const collection of [parts(17, 1), parts(1, 129), parts(16, 32)])
      expect(await write(server, 'putDocument', { collection, key: 'a', data: 1 })).toMatchObject({
        code: 'INVALID_INPUT',
      })
  })
})

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])

describe('a value', () => {
  it.each([
    ['an integer beyond 2^53', '{"a": 9007199254740993}'],
    ['a huge number', '{"a": [1e400]}'],
    ['a negative one', '-9007199254740993'],
    ['U+0000', '{"a": "x\\u0000"}'],
    ['half of a character', '{"\\ud800": 1}'],
    ['too many levels', JSON.stringify(nested(201))],
    ['thousands of levels', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['more than 1 MiB', JSON.stringify('x'.repeat(1_048_576))],
  ])('with %s is refused', async (_what, json) => {
    const query = `mutation ($data: JSON) { putDocument(input: { key: "refused", data: $data }) { __typename ... on Failure { code } } }`
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${server.token}` },
      body: `{"query": ${JSON.stringify(query)}, "variables": {"data": ${json}}}`,
    })
    const { data, errors } = (await response.json()) as {
      data?: { putDocument: { code: string } }
      errors?: { extensions: { code: string } }[]
    }
    // What is nested far too deep is refused before the operation begins.
    expect(data?.putDocument ?? errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT' })
    expect(await get(server, 'refused')).toBeNull()
  })

  it('is refused when it is written into the operation and can’t be kept exactly', async () => {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${server.token}` },
      body: JSON.stringify({
        query:
          'mutation { putDocument(input: { key: "literal", data: { a: 9007199254740993 } }) { ... on Failure { code } } }',
      }),
    })
    expect(await response.json()).toMatchObject({ data: { putDocument: { code: 'INVALID_INPUT' } } })
  })

  it.each(['NaN', '{ a: Infinity }', '[undefined]'])(
    'is refused when it is a word without quotes: %s',
    async (data) => {
      const query = `mutation { putDocument(input: { key: "word", data: ${data} }) { ... on Failure { code } } }`
      const { errors } = await graphql(server, query)
      expect(errors?.[0]?.message).toMatch(/is not a JSON value/)
      expect(await get(server, 'word')).toBeNull()
    },
  )

  it('comes back as it was written', async () => {
    const json =
      '{"__proto__":{"polluted":true},"constructor":{"prototype":1},"a":[1.5,0.1,1e-7,-9007199254740991],"":null,"ünï😀":"\\"\\\\"}'
    await put(server, 'same', JSON.parse(json))
    const stored = await get(server, 'same')
    expect(stored?.data).toEqual(JSON.parse(json))
    expect(Object.hasOwn(stored?.data as object, '__proto__')).toBe(true)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it.each([null, false, 0, '', [], {}])('may be %j', async (data) => {
    await put(server, 'plain', data)
    expect(await get(server, 'plain')).toMatchObject({ data })
  })

  it('has 0 for -0', async () => {
    await put(server, 'zero', JSON.parse('[-0]'))
    const stored = await get(server, 'zero')
    expect(stored?.data).toStrictEqual([0])
  })

  it('with SQL in it is text, and so is a name', async () => {
    const sql = `'); DROP TABLE document; --`
    await put(server, 'a;--', { [sql]: sql }, { collection: "sql';--" })
    expect(await get(server, 'a;--', { collection: "sql';--" })).toMatchObject({ data: { [sql]: sql } })
  })
})

it.each([-1, 2_147_483_647])('takes no write that expects version %d', async (expectedVersion) => {
  expect((await write(server, 'putDocument', { key: 'odd', data: 1, expectedVersion })).code).toMatch(
    /^(INVALID_INPUT|VERSION_CONFLICT)$/,
  )
})
