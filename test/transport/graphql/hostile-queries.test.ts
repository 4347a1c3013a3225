import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getIntrospectionQuery, parse } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql } from '#test/support/graphql.ts'
import {
  anonymousOperation,
  bodyOf,
  type HostileQuery,
  hostileQueries,
  hostileVariables,
  knownOperation,
  nestedLists,
} from '#test/support/hostile-queries.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { connectSocket } from '#test/support/websocket.ts'

let database: TestDatabase
let dataDir: string
let server: ServerProcess

beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-hostile-'))
  const unlimited = { RATE_LIMIT_TOKEN: '0', RATE_LIMIT_ADDRESS: '0', COST_LIMIT_TOKEN: '0', COST_LIMIT_ADDRESS: '0' }
  server = await startServerProcess({ dataDir, databaseUrl: database.url, env: unlimited })
})
afterAll(async () => {
  // One that is held would never end otherwise.
  await server.end('SIGKILL')
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

/** The longest that anybody else may have to wait, in milliseconds: generous, since machines that test are busy. */
const maxWaitMs = 5_000

/** Asks for `/livez` all the while that something is done; returns the longest that it took to be answered. */
async function whileProbing(work: () => Promise<void>): Promise<number> {
  let longest = 0
  let isOver = false
  const probing = (async () => {
    while (!isOver) {
      const began = performance.now()
      await fetch(`${server.url}/livez`, { signal: AbortSignal.timeout(maxWaitMs * 2) })
      longest = Math.max(longest, performance.now() - began)
    }
  })()
  await work().finally(() => {
    isOver = true
  })
  await probing
  return longest
}

interface Answer {
  readonly status: number
  readonly code: string | undefined
}

async function ask(query: HostileQuery, init: RequestInit & { headers?: object } = {}): Promise<Answer> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    body: bodyOf(query),
    signal: AbortSignal.timeout(maxWaitMs * 2),
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
  })
  const { errors } = (await response.json()) as { errors?: { extensions?: { code?: string } }[] }
  return { status: response.status, code: errors?.[0]?.extensions?.code }
}

/** Each is answered, as no fault of the server's; and nobody else waits for it. */
async function expectHarmless(
  queries: readonly HostileQuery[],
  send: (query: HostileQuery) => Promise<Answer>,
): Promise<void> {
  const faults: string[] = []
  const longest = await whileProbing(async () => {
    for (const query of queries) {
      const { status, code } = await send(query)
      if (status >= 500 || code === 'INTERNAL') faults.push(`${query.name}: ${status} ${code}`)
    }
  })
  expect(faults).toEqual([])
  expect(longest).toBeLessThan(maxWaitMs)
}

const authorization = () => ({ authorization: `Bearer ${server.token}` })
const sizes = [3, 40, 150, 1_500, 3_000]
const families = () => [...hostileQueries(knownOperation, sizes), ...hostileVariables(50_000)]

describe('no query that is small to send holds the server', () => {
  it('without a token', () => expectHarmless(hostileQueries(anonymousOperation, sizes), (query) => ask(query)), 120_000)

  it('with a token', () => expectHarmless(families(), (query) => ask(query, { headers: authorization() })), 120_000)

  it(
    'with a token and an answer as a stream',
    () =>
      expectHarmless(hostileQueries(knownOperation, [40, 1_500]), async (query) => {
        const init = { headers: { ...authorization(), accept: 'text/event-stream' } }
        const response = await fetch(`${server.url}/graphql`, {
          method: 'POST',
          body: bodyOf(query),
          headers: { 'content-type': 'application/json', ...init.headers },
          signal: AbortSignal.timeout(maxWaitMs * 2),
        })
        const text = await response.text()
        return { status: response.status, code: /"code":"(\w+)"/.exec(text)?.[1] }
      }),
    120_000,
  )

  it('on a WebSocket', async () => {
    const socket = await connectSocket(server)
    let asked = 0
    await expectHarmless(families(), async (query) => {
      asked += 1
      socket.send(`{"id":"${asked}","type":"subscribe","payload":${bodyOf(query)}}`)
      const { payload } = await socket.next(String(asked))
      const errors = Array.isArray(payload) ? payload : payload.errors
      return { status: 200, code: errors?.[0]?.extensions?.code }
    })
    await socket.close()
  }, 120_000)
})

it('parsed queries are kept in a bounded part of memory', async () => {
  // Each is about three megabytes once it is parsed.
  for (let asked = 0; asked < 300; asked += 1) {
    const query = `{ viewer { ${'x '.repeat(9_000)} } } # ${asked}`
    expect((await ask({ name: '', query }, { headers: authorization() })).code).toBe('TOO_COMPLEX')
  }
  const metrics = await (await fetch(`${server.url}/metrics`, { headers: authorization() })).text()
  const heapBytes = Number(/^nodejs_heap_size_used_bytes (\d+)/m.exec(metrics)?.[1])
  expect(heapBytes).toBeGreaterThan(0)
  expect(heapBytes).toBeLessThan(600 * 1024 * 1024)
}, 60_000)

describe('what is refused says so', () => {
  const doubling = hostileQueries(knownOperation, [40]).find(({ name }) => name.startsWith('fragments that double'))

  it('with how many fields the fragments come to', async () => {
    const { errors } = await graphql(server, doubling?.query ?? '')
    expect(errors?.[0]?.message).toBe(
      'The operation asks for more than 1000000000 fields, with those of fragments counted wherever they are spread; at most 5000 are allowed.',
    )
    expect(errors?.[0]?.extensions?.['code']).toBe('TOO_COMPLEX')
  })

  it.each([
    ['a text', `{ viewer { name @skip(if: ${'['.repeat(3_000)}${']'.repeat(3_000)}) } }`, '{}', 'TOO_COMPLEX'],
    ['selections', `${'{ a'.repeat(3_000)}${'}'.repeat(3_000)}`, '{}', 'TOO_COMPLEX'],
    [
      'a variable',
      'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { __typename } }',
      `{"input":{"type":"probe","input":${nestedLists(5_000)}}}`,
      'INVALID_INPUT',
    ],
  ])('with 400 for %s of thousands of levels', async (_, query, variables, code) => {
    const accept = 'application/graphql-response+json'
    const init = { headers: { ...authorization(), accept } }
    expect(await ask({ name: '', query, variables }, init)).toEqual({ status: 400, code })
  })

  it('and introspection is within every limit', async () => {
    const everything = getIntrospectionQuery({
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      inputValueDeprecation: true,
    })
    expect(parse(everything).definitions.length).toBeGreaterThan(1)
    expect((await graphql(server, everything)).errors).toBeUndefined()
  })
})

it('what is too long for an anonymous caller is not refused to others because of that', async () => {
  const query = `{ nodes(ids: [${'"a", '.repeat(1_200)}]) { __typename } }`
  const anonymous = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query }),
  })
  expect(await anonymous.text()).toContain('UNAUTHENTICATED')
  const { errors } = await graphql(server, query)
  expect(JSON.stringify(errors ?? [])).not.toContain('TOO_COMPLEX')
})
