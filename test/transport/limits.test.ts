import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { graphql } from '#test/support/graphql.ts'
import { startReceiver } from '#test/support/receiver.ts'
import { createTestDatabase, startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, endedDelivery, loopbackAllowed, refusedWebhook, trigger } from '#test/support/webhooks.ts'
import { connectSocket, openSocket } from '#test/support/websocket.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer({
    env: {
      RATE_LIMIT_TOKEN: '12',
      RATE_LIMIT_ADDRESS: '5',
      COST_LIMIT_TOKEN: '400',
      QUERY_COST_LIMIT: '300',
      SUBSCRIPTION_LIMIT: '2',
      SOCKET_LIMIT: '2',
      TRUSTED_PROXIES: '127.0.0.0/8',
      CORS_ORIGINS: 'https://app.example.com',
    },
  })
})
afterAll(() => server.close())

const own = async () => addToken(server, { accountId: await ownAccount(server) })
let address = 0
/** An address that nobody has come from before. */
const elsewhere = () => {
  address += 1
  return `203.0.113.${address}`
}

function ask(
  token: string | undefined,
  query: string,
  headers: Record<string, string> = {},
  base = server.url,
  variables = {},
) {
  return fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }), ...headers },
    body: JSON.stringify({ query, variables }),
  })
}

const rest = (token: string | undefined, path: string, headers: Record<string, string> = {}) =>
  fetch(`${server.url}${path}`, { headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers } })

/** What a header says is left of a count. */
function leftOf(name: string, response: Response): number {
  const [, left] = new RegExp(`"${name}";r=(\\d+);t=\\d+`).exec(response.headers.get('ratelimit') ?? '') ?? []
  return Number(left)
}

describe('requests of a token', () => {
  it('are counted down on every answer, whichever API it comes from', async () => {
    const { token } = await own()
    const first = await ask(token, '{ __typename }')
    expect(first.headers.get('ratelimit-policy')).toBe('"requests";q=12;w=60,"cost";q=400;w=60')
    const second = await rest(token, '/api/tasks')
    const third = await ask(token, '{ nothing }')
    const fourth = await rest(token, '/api/nothing')
    expect([first, second, third, fourth].map((one) => leftOf('requests', one))).toEqual([11, 10, 9, 8])
  })

  it('are refused beyond the limit, with when to come back, and nobody else’s with them', async () => {
    const { token } = await own()
    for (let asked = 0; asked < 12; asked += 1) expect((await ask(token, '{ __typename }')).status).toBe(200)
    const refused = await ask(token, '{ __typename }')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60)
    const [error] = ((await refused.json()) as { errors: { extensions: object }[] }).errors
    expect(error?.extensions).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) })
    const problem = await rest(token, '/api/tasks')
    expect([problem.status, await problem.json()]).toMatchObject([429, { code: 'RATE_LIMITED' }])
    expect(Number(problem.headers.get('retry-after'))).toBeGreaterThan(1)
    expect((await ask((await own()).token, '{ __typename }')).status).toBe(200)
  })

  it('are one count for all processes', async () => {
    const other = await startTestServer({
      database: server.database,
      env: { RATE_LIMIT_TOKEN: '12', COST_LIMIT_TOKEN: '400', QUERY_COST_LIMIT: '300' },
    })
    const { token } = await own()
    const statuses: number[] = []
    for (let asked = 0; asked < 12; asked += 1)
      for (const base of [server.url, other.url]) statuses.push((await ask(token, '{ __typename }', {}, base)).status)
    await other.close()
    expect(statuses.filter((status) => status === 200)).toHaveLength(12)
  })

  it('are counted on a WebSocket, each operation as one', async () => {
    const { token } = await own()
    const socket = await connectSocket(server, { token })
    for (let asked = 0; asked < 11; asked += 1) {
      socket.subscribe(String(asked), '{ __typename }')
      expect((await socket.next(String(asked))).type).toBe('next')
    }
    socket.subscribe('last', '{ __typename }')
    expect(await socket.next('last')).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'RATE_LIMITED' } }],
    })
    await socket.close()
    const late = await openSocket(server)
    late.send({ type: 'connection_init', payload: { token } })
    expect((await late.closed).code).toBe(1013)
  })
})

describe('anonymous requests', () => {
  it('are counted by address, with guessed tokens among them', async () => {
    const from = { 'x-forwarded-for': elsewhere() }
    const told = [
      await ask(undefined, '{ x }', from),
      await ask('guessed-0000000000000000000000000000000', '{ x }', from),
    ]
    for (let asked = 0; asked < 4; asked += 1) told.push(await rest(undefined, '/api/tasks', from))
    expect(told.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429])
    expect((await ask(undefined, '{ x }', { 'x-forwarded-for': elsewhere() })).status).toBe(401)
    expect((await ask((await own()).token, '{ __typename }', from)).status).toBe(200)
  })

  it('count as one from all of an IPv6 network', async () => {
    const statuses: number[] = []
    for (let host = 1; host <= 6; host += 1)
      statuses.push((await ask(undefined, '{ x }', { 'x-forwarded-for': `2001:db8:0:7::${host}` })).status)
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
  })

  it.each(['/api/ping', '/api/nothing'])('of %s are counted with any token', async (path) => {
    const from = { 'x-forwarded-for': elsewhere() }
    const statuses: number[] = []
    for (let asked = 0; asked < 6; asked += 1) statuses.push((await rest(`guessed-${asked}`, path, from)).status)
    expect(statuses.at(-2)).not.toBe(429)
    expect(statuses.at(-1)).toBe(429)
  })

  it.each([undefined, 'guessed'])('of probes are never refused, with the token %s', async (token) => {
    const from = { 'x-forwarded-for': elsewhere() }
    for (let asked = 0; asked < 8; asked += 1) expect((await rest(token, '/livez', from)).status).toBe(200)
  })
})

describe('the address', () => {
  it('is the last one that no trusted proxy has added', async () => {
    const real = elsewhere()
    const first = await rest(undefined, '/api/ping', { 'x-forwarded-for': `198.51.100.1, ${real}, 127.0.0.9` })
    const second = await rest(undefined, '/api/ping', { 'x-forwarded-for': `198.51.100.2, ${real}` })
    expect([leftOf('requests', first), leftOf('requests', second)]).toEqual([4, 3])
  })

  it('is the connection’s own where nobody is trusted', async () => {
    const plain = await startTestServer({ env: { RATE_LIMIT_ADDRESS: '5' } })
    const statuses: number[] = []
    for (let asked = 0; asked < 6; asked += 1)
      statuses.push((await ask(undefined, '{ x }', { 'x-forwarded-for': elsewhere() }, plain.url)).status)
    await plain.close()
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
  })
})

describe('the cost of an operation', () => {
  const costOf = async (response: Response) =>
    ((await response.json()) as { extensions?: { cost: Record<string, number> } }).extensions?.cost

  it('is held before it runs, and what it did not cost is given back', async () => {
    const { token } = await own()
    const response = await ask(token, '{ tasks(first: 100) { nodes { id } } viewer { name } }')
    const cost = await costOf(response)
    expect(cost).toMatchObject({ requested: 102, actual: 2, maximum: 300, limit: 400, remaining: 398 })
    expect(leftOf('cost', response)).toBe(398)
    const { data } = await graphql(
      server,
      '{ rateLimit { requests { limit remaining } cost { limit remaining } } }',
      {},
      token,
    )
    expect(data).toEqual({
      rateLimit: { requests: { limit: 12, remaining: 10 }, cost: { limit: 400, remaining: 396 } },
    })
  })

  it('grows with the pages that are asked for, also by variables', async () => {
    const { token } = await own()
    const query = 'query ($n: Int) { tasks(first: $n) { nodes { id logs(first: 2) { nodes { at } } } } }'
    const requested = async (n: number) => (await costOf(await ask(token, query, {}, server.url, { n })))?.['requested']
    expect([await requested(10), await requested(20)]).toEqual([41, 81])
  })

  it('is refused beyond what one may have, before anything is done', async () => {
    const { token } = await own()
    const answer = await graphql(server, '{ tasks(first: 200) { nodes { id parts { name } } } }', {}, token)
    expect(answer).toMatchObject({ errors: [{ extensions: { code: 'TOO_COMPLEX' } }] })
    expect(answer.data).toBeUndefined()
    expect(answer.errors?.[0]?.message).toMatch(/would cost \d+; at most 300/)
  })

  it('is not lowered for others by an operation whose variables are wrong', async () => {
    const { token } = await own()
    const query = 'query Pages($n: Int) { tasks(first: $n) { nodes { id parts { name } } } }'
    const codeFor = async (n: unknown) => (await graphql(server, query, { n }, token)).errors?.[0]?.extensions?.['code']
    expect([await codeFor(200), await codeFor('200'), await codeFor(200)]).toEqual([
      'TOO_COMPLEX',
      'INVALID_INPUT',
      'TOO_COMPLEX',
    ])
    const list = await graphql(server, query.replace('$n: Int', '$n: Int = 10'), { n: null }, token)
    expect(list.errors?.[0]?.extensions?.['code']).toBe('TOO_COMPLEX')
  })

  it('is not lowered by an argument that turns out to be wrong', async () => {
    const { token } = await own()
    const query = `query ($c: String! = "x") { bad: documents(collection: $c) { nodes { key } }
      tasks(first: 200) { nodes { id parts { name } } } }`
    const nullable = query.replace('String!', 'String')
    const answer = await graphql(server, nullable, { c: null }, token)
    expect(answer.data).toBeUndefined()
    expect(answer.errors?.[0]?.extensions?.['code']).toBe('INVALID_INPUT')
  })

  it('is refused beyond what a minute has', async () => {
    const { token } = await own()
    const changes = Array.from({ length: 19 }, (_, index) => `c${index}: cancelTask(input: { id: "x" }) { __typename }`)
    expect((await ask(token, `mutation { ${changes.join(' ')} }`)).status).toBe(200)
    const refused = await ask(token, '{ tasks(first: 200) { nodes { id } } }')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('is counted once for a REST request, and not again for the operation behind it', async () => {
    const { token } = await own()
    const response = await rest(token, '/api/tasks?limit=10')
    expect(response.status).toBe(200)
    expect(leftOf('requests', response)).toBe(11)
    expect(leftOf('cost', response)).toBeGreaterThan(390)
    expect(leftOf('cost', response)).toBeLessThan(400)
  })
})

describe('the cost of a webhook’s document', () => {
  const document = '{ tasks(first: 200) { nodes { id parts { name } } } }'
  const settings = { url: 'https://receiver.example', events: ['test.*'], format: 'GRAPHQL', document }

  it('is looked at when the webhook is created', async () => {
    const { issues } = await refusedWebhook(server, settings)
    expect(issues).toEqual([{ path: 'document', message: expect.stringMatching(/would cost \d+; at most 300/) }])
    const doubled = Array.from(
      { length: 30 },
      (_, n) => `fragment F${n} on Viewer { ...F${n + 1} ... { ...F${n + 1} } }`,
    )
    const hostile = `{ viewer { ...F0 } } ${doubled.join(' ')} fragment F30 on Viewer { name }`
    const told = await refusedWebhook(server, { ...settings, document: hostile })
    expect(told.issues?.[0]?.message).toContain('at most 5000 are allowed')
  })

  it('is looked at when the document is run', async () => {
    const database = await createTestDatabase()
    const receiver = await startReceiver()
    const generous = await startTestServer({ database, env: { ROLES: 'api', ...loopbackAllowed } })
    await createWebhook(generous, { ...settings, url: `${receiver.url}/priced`, retry: { maxAttempts: 1 } })
    const { deliveryIds } = await trigger(generous, { type: 'test.priced' })
    await generous.close()
    const strict = await startTestServer({ database, env: { QUERY_COST_LIMIT: '300', ...loopbackAllowed } })
    const { status, attempts } = await endedDelivery(strict, deliveryIds[0] ?? '')
    expect([status, attempts[0]?.outcome, attempts[0]?.error]).toEqual([
      'FAILED',
      'document_error',
      expect.stringContaining('would cost'),
    ])
    await strict.close()
    await receiver.close()
    await database.drop()
  })
})

describe('what is open at once', () => {
  it('is limited for subscriptions of one caller, and has room again when one ends', async () => {
    const { token } = await own()
    const socket = await connectSocket(server, { token })
    for (const id of ['a', 'b', 'c']) socket.subscribe(id, 'subscription { events { type } }')
    const refused = await socket.next('c')
    expect(refused).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'RATE_LIMITED' } }] })
    socket.send({ id: 'a', type: 'complete' })
    let tries = 0
    await until(async () => {
      tries += 1
      socket.subscribe(
        `again${tries}`,
        `subscription { taskUpdates(id: "0190a6f4-0000-7000-8000-000000000000") { kind } }`,
      )
      return (await socket.next(`again${tries}`)).payload?.[0]?.extensions?.code !== 'RATE_LIMITED'
    })
    await socket.close()
  })

  it('is limited for connections of one caller', async () => {
    const { token } = await own()
    const [first, second] = [await connectSocket(server, { token }), await connectSocket(server, { token })]
    const third = await openSocket(server)
    third.send({ type: 'connection_init', payload: { token } })
    expect(await third.closed).toEqual({ code: 1013, reason: expect.stringContaining('At most 2 connections') })
    await first?.close()
    await (await connectSocket(server, { token })).close()
    await second?.close()
  })
})

describe('a client of graphql-ws beyond the limit of connections', () => {
  it('tries again, and is served once there is room', async () => {
    const { token } = await own()
    const others = [await connectSocket(server, { token }), await connectSocket(server, { token })]
    const closes: number[] = []
    const client = createClient({
      url: `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { token },
      retryAttempts: 5,
      // There is room after the second refusal.
      retryWait: async () => void (closes.length > 1 && (await others[0]?.close())),
    })
    client.on('closed', (event) => closes.push((event as { code: number }).code))
    const answer = new Promise((resolve, reject) => {
      client.subscribe({ query: '{ __typename }' }, { next: resolve, error: reject, complete: () => {} })
    })
    expect(await answer).toMatchObject({ data: { __typename: 'Query' } })
    expect(new Set(closes)).toEqual(new Set([1013]))
    await client.dispose()
    await others[1]?.close()
  })
})

describe('pages of other origins', () => {
  const origin = 'https://app.example.com'
  const preflight = (from: string, headers = 'authorization') =>
    fetch(`${server.url}/graphql`, {
      method: 'OPTIONS',
      headers: {
        origin: from,
        'access-control-request-method': 'POST',
        'access-control-request-headers': headers,
      },
    })

  it('may call when they are listed', async () => {
    const allowed = await preflight(origin)
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-origin')).toBe(origin)
    expect(allowed.headers.get('access-control-allow-headers')).toContain('Authorization')
    const { token } = await own()
    const answer = await ask(token, '{ __typename }', { origin })
    expect([answer.headers.get('access-control-allow-origin'), answer.headers.get('vary')]).toEqual([origin, 'Origin'])
  })

  it('may send any header, and read every documented one', async () => {
    const sent = ['If-None-Match', 'Range', 'apollo-require-preflight', 'traceparent', 'sentry-trace', 'baggage']
    const answer = await preflight(origin, sent.join(','))
    const allowed = (answer.headers.get('access-control-allow-headers') ?? '').split(/, ?/)
    expect(allowed).toEqual(expect.arrayContaining(['Authorization', 'If-Match', ...sent]))
    expect(answer.headers.get('vary')).toBe('Origin, Access-Control-Request-Headers')
    const readable = (answer.headers.get('access-control-expose-headers') ?? '').split(', ')
    expect(readable).toEqual(expect.arrayContaining(['Content-Range', 'ETag', 'Idempotent-Replayed', 'Retry-After']))
  })

  it('may send the usual headers when what they ask for is malformed', async () => {
    const answer = await preflight(origin, 'x y; z')
    expect(answer.headers.get('access-control-allow-headers')).toMatch(/^[\w-]+(, [\w-]+)*$/)
  })

  it('may not when they are not, and caches learn that the response varies', async () => {
    for (const response of [await preflight('https://evil.example'), await rest(undefined, '/livez')]) {
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
      expect(response.headers.get('vary')).toBe('Origin')
    }
  })
})

describe('with persisted operations', () => {
  const known = 'query Known { viewer { name } }'
  const id = createHash('sha256').update(known).digest('hex')
  let directory: string
  let persisted: TestServer

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'signalbox-operations-'))
    await writeFile(join(directory, 'known.graphql'), known)
    persisted = await startTestServer({ env: { PERSISTED_OPERATIONS: directory } })
  })
  afterAll(async () => {
    await persisted.close()
    await rm(directory, { recursive: true })
  })

  const send = async (body: object) => {
    const response = await fetch(`${persisted.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${persisted.token}` },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as object }
  }
  const extensions = { persistedQuery: { version: 1, sha256Hash: id } }

  it.each([{ documentId: id }, { documentId: `sha256:${id}` }, { extensions }, { query: known }])(
    'answers %j',
    async (body) => {
      expect(await send(body)).toMatchObject({ status: 200, body: { data: { viewer: { name: 'owner' } } } })
    },
  )

  it.each([{ query: '{ viewer { name } }' }, { documentId: 'x' }, { documentId: '0'.repeat(64) }, {}])(
    'refuses %j',
    async (body) => {
      const code = 'OPERATION_NOT_PERSISTED'
      expect(await send(body)).toMatchObject({ status: 403, body: { errors: [{ extensions: { code } }] } })
    },
  )

  it('refuses others by GET and WebSocket, too, and serves REST', async () => {
    const headers = { authorization: `Bearer ${persisted.token}` }
    const get = (query: Record<string, string>) =>
      fetch(`${persisted.url}/graphql?${new URLSearchParams(query)}`, { headers })
    expect(await (await get({ query: '{ __typename }' })).json()).toMatchObject({
      errors: [{ extensions: { code: 'OPERATION_NOT_PERSISTED' } }],
    })
    expect(await (await get({ extensions: JSON.stringify(extensions) })).json()).toMatchObject({
      data: { viewer: { name: 'owner' } },
    })
    const socket = await connectSocket(persisted)
    socket.subscribe('other', '{ __typename }')
    expect(await socket.next('other')).toMatchObject({ type: 'error' })
    socket.subscribe('known', known)
    expect(await socket.next('known')).toMatchObject({ type: 'next' })
    await socket.close()
    expect((await fetch(`${persisted.url}/api/tasks`, { headers })).status).toBe(200)
  })

  it('does not start with one that is not valid', async () => {
    const database = await createTestDatabase()
    const file = join(directory, 'broken.json')
    await writeFile(file, JSON.stringify({ [id]: '{ nothing }' }))
    await expect(startTestServer({ database, env: { PERSISTED_OPERATIONS: file } })).rejects.toThrow('another SHA-256')
    await database.drop()
  })
})
