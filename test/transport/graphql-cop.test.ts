import { getIntrospectionQuery } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '#test/support/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ env: { NODE_ENV: 'production' } })
})
afterAll(() => server.close())

type Who = 'anybody' | 'somebody'
const json = 'application/json'

async function send(who: Who, init: RequestInit & { headers?: Record<string, string> }, search = '') {
  const authorization: Record<string, string> = who === 'somebody' ? { authorization: `Bearer ${server.token}` } : {}
  const response = await fetch(`${server.url}/graphql${search}`, {
    ...init,
    headers: { ...authorization, ...init.headers },
  })
  const text = await response.text()
  const body = text.startsWith('{') ? (JSON.parse(text) as Answer) : undefined
  return { status: response.status, type: response.headers.get('content-type'), text, body }
}

interface Answer {
  readonly data?: object | null
  readonly errors?: readonly { message: string; extensions?: { code?: string } }[]
  readonly extensions?: object
}

const post = (who: Who, body: unknown) =>
  send(who, { method: 'POST', headers: { 'content-type': json }, body: JSON.stringify(body) })

const codeOf = ({ body }: { body: Answer | undefined }) => body?.errors?.[0]?.extensions?.code

/** Expects anonymous callers to be refused without a word about the operation, and all others for what is wrong with it. */
async function expectRefused(query: string, code: string): Promise<void> {
  expect(codeOf(await post('anybody', { query }))).toBe('UNAUTHENTICATED')
  const told = await post('somebody', { query })
  expect([codeOf(told), told.body?.data]).toEqual([code, undefined])
}

/** A mutation that would be seen to have been done. */
const change = 'mutation { submitTask(input: { type: "probe", labels: { by: "cop" } }) { __typename } }'

async function expectNothingDone(): Promise<void> {
  const { body } = await post('somebody', { query: '{ tasks(where: { labels: { by: "cop" } }) { nodes { id } } }' })
  expect(body?.data).toEqual({ tasks: { nodes: [] } })
}

const times = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index))

describe('graphql-cop finds no', () => {
  it('alias overload', () =>
    expectRefused(`{ ${times(101, (n) => `alias${n}: __typename`).join(' ')} }`, 'TOO_COMPLEX'))

  it('array batching', async () => {
    const batch = Array(10).fill({ query: '{ __typename }' })
    expect(codeOf(await post('anybody', batch))).toBe('UNAUTHENTICATED')
    const told = await post('somebody', batch)
    expect([told.status, codeOf(told)]).toEqual([400, 'INVALID_INPUT'])
  })

  it('mutation by GET', async () => {
    const search = `?${new URLSearchParams({ query: change })}`
    expect((await send('anybody', { method: 'GET' }, search)).status).toBe(401)
    expect((await send('somebody', { method: 'GET' }, search)).status).toBe(405)
    await expectNothingDone()
  })

  it.each([
    'application/x-www-form-urlencoded',
    'text/plain',
    'multipart/form-data; boundary=x',
    'text/plain;application/json',
  ])('POST of %s that is answered', async (type) => {
    const bodies = [new URLSearchParams({ query: change }).toString(), JSON.stringify({ query: change })]
    for (const body of bodies) {
      const init = { method: 'POST', headers: { 'content-type': type }, body }
      expect((await send('anybody', init)).status).toBe(401)
      expect((await send('somebody', init)).status).toBe(415)
    }
    await expectNothingDone()
  })

  it('POST without a content type that is answered', async () => {
    const init = { method: 'POST', body: new TextEncoder().encode(JSON.stringify({ query: change })) }
    expect((await send('somebody', init)).status).toBe(415)
    await expectNothingDone()
  })

  it('tracing in answers', async () => {
    const { body } = await post('somebody', { query: '{ __typename }' })
    expect(Object.keys(body?.extensions ?? {})).toEqual(['cost'])
  })

  it('field duplication', () => expectRefused(`{ ${'__typename '.repeat(500)} }`, 'TOO_COMPLEX'))

  it('field suggestions for anonymous callers', async () => {
    const told = await post('anybody', { query: '{ taskz { id } }' })
    expect(told.status).toBe(401)
    expect(told.text).not.toMatch(/did you mean|task/i)
  })

  it('GraphiQL in production', async () => {
    const told = await send('anybody', {
      method: 'GET',
      headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' },
    })
    expect([told.status, told.text.includes('<html')]).toEqual([401, false])
  })

  it('introspection for anonymous callers', async () => {
    for (const query of [
      getIntrospectionQuery(),
      '{ __schema { types { name } } }',
      '{ __type(name: "Task") { name } }',
    ])
      expect(codeOf(await post('anybody', { query }))).toBe('UNAUTHENTICATED')
    const { body } = await post('somebody', { query: getIntrospectionQuery() })
    expect(body?.errors).toBeUndefined()
  })

  it('directive overload', () => expectRefused(`{ __typename ${'@aa'.repeat(51)} }`, 'TOO_COMPLEX'))

  it('circular introspection', () =>
    expectRefused(
      `{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }`,
      'INVALID_INPUT',
    ))

  it('query by GET for a page of another origin', async () => {
    const search = `?${new URLSearchParams({ query: '{ __typename }' })}`
    const told = await send('anybody', { method: 'GET', headers: { origin: 'https://evil.example' } }, search)
    expect([told.status, told.body?.data]).toEqual([401, undefined])
  })
})

describe('a clear answer comes to', () => {
  const deep = `${'{ a '.repeat(500)}${'}'.repeat(500)}`
  const spread = `${times(30, (n) => `fragment F${n} on Task { x: id ...F${n + 1} y: id ...F${n + 1} }`).join(' ')} fragment F30 on Task { z: id }`
  const cases: [string, string, string][] = [
    ['a million characters', `{ ${'viewer { name } '.repeat(62_500)} }`, 'TOO_COMPLEX'],
    ['a million characters of comments', `${'#\n'.repeat(500_000)}{ __typename }`, 'TOO_COMPLEX'],
    ['a depth of 500', deep, 'TOO_COMPLEX'],
    ['10,000 aliases', `{ ${times(10_000, (n) => `a${n}: __typename`).join(' ')} }`, 'TOO_COMPLEX'],
    ['10,000 directives', `{ __typename ${'@skip(if: false) '.repeat(10_000)} }`, 'TOO_COMPLEX'],
    ['fragments that double 30 times', `{ tasks { nodes { ...F0 } } } ${spread}`, 'TOO_COMPLEX'],
    [
      'fragments within themselves',
      '{ viewer { ...A } } fragment A on Viewer { name ...B } fragment B on Viewer { ...A }',
      'INVALID_INPUT',
    ],
  ]

  it.each(cases)('%s', async (_name, query, code) => {
    const told = await post('somebody', { query })
    expect([codeOf(told), told.body?.data]).toEqual([code, undefined])
    expect((await post('anybody', { query })).status).toBeOneOf([401, 413])
  })

  it('a batch of 10,000', async () => {
    const told = await post('somebody', Array(10_000).fill({ query: '{ __typename }' }))
    expect([told.status, codeOf(told)]).toEqual([400, 'INVALID_INPUT'])
  })
})
