import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { parse, validate } from 'graphql'
import { serverAudits } from 'graphql-http'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeCursor } from '#lib/cursor.ts'
import { schema } from '#schema/index.ts'
import { type GraphqlAnswer, graphql, graphqlData } from '#test/support/graphql.ts'
import { createTestDatabase, startTestServer, type TestServer } from '#test/support/server.ts'
import { metric, submitDistant, subscribers } from '#test/support/streams.ts'
import { addToken } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { firstQuery } from '#transport/pages/graphiql.ts'
import { openPath } from './database-path.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
})
afterAll(() => server.close())

const json = 'application/json'
const modern = 'application/graphql-response+json'
const typename = { query: '{ __typename }' }

interface Told {
  readonly status: number
  readonly type: string | null
  readonly headers: Headers
  readonly body: GraphqlAnswer<Record<string, unknown>>
}

interface Asked extends Omit<RequestInit, 'headers' | 'body'> {
  readonly headers?: Record<string, string>
  readonly body?: unknown
  readonly query?: Record<string, string>
  readonly server?: TestServer
}

/** Sends a request as the owner unless `headers` say otherwise; an object as JSON. */
async function ask({ headers = {}, body, query, server: asked = server, ...init }: Asked): Promise<Told> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(`${asked.url}/graphql${query ? `?${new URLSearchParams(query)}` : ''}`, {
    method: 'POST',
    ...init,
    headers: { 'content-type': json, authorization: `Bearer ${asked.token}`, ...headers },
    ...(text !== undefined && { body: text }),
  })
  const answer = await response.text()
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    headers: response.headers,
    body: answer.startsWith('{') ? withoutCost(JSON.parse(answer)) : {},
  }
}

/** What an operation has cost, and what is left, is not the same twice. */
function withoutCost({ extensions: _, ...body }: Told['body'] & { extensions?: unknown }): Told['body'] {
  return body
}

const codesOf = ({ body }: Pick<Told, 'body'>) => body.errors?.map(({ extensions }) => extensions?.['code'])

describe('GraphQL over HTTP', () => {
  const fetchFn = (url: string, init?: RequestInit) =>
    fetch(url, { ...init, headers: { ...(init?.headers as object), authorization: `Bearer ${server.token}` } })
  const audits = serverAudits({ url: () => `${server.url}/graphql`, fetchFn })

  it('has 61 audits', () => expect(audits).toHaveLength(61))

  it.each(audits)('$id: $name', async (audit) => {
    expect(await audit.fn()).toMatchObject({ status: 'ok' })
  })
})

describe('an answer is neither cached nor sniffed', () => {
  const query = encodeURIComponent('{ __typename }')
  const requests: Record<string, [string, RequestInit & { headers: Record<string, string> }]> = {
    'to a query': ['', { method: 'POST', body: JSON.stringify(typename), headers: {} }],
    'to GET': [`?query=${query}`, { headers: {} }],
    'as a stream': ['', { method: 'POST', body: JSON.stringify(typename), headers: { accept: 'text/event-stream' } }],
    'that refuses': ['', { method: 'POST', body: '{', headers: { authorization: 'Bearer unknown' } }],
    'to a sign-in': [
      '',
      {
        method: 'POST',
        body: JSON.stringify({
          query: 'mutation { signIn(input: { email: "a@b.example", password: "x" }) { __typename } }',
        }),
        headers: { authorization: '' },
      },
    ],
  }
  it.each(Object.entries(requests))('%s', async (_, [search, { headers, ...init }]) => {
    const all = { authorization: `Bearer ${server.token}`, 'content-type': json, ...headers }
    if (all.authorization === '') Reflect.deleteProperty(all, 'authorization')
    const response = await fetch(`${server.url}/graphql${search}`, { ...init, headers: all })
    await response.text()
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  })
})

describe('who has no valid token', () => {
  const headers: Record<string, Record<string, string>> = {
    'no token': {},
    'an unknown token': { authorization: 'Bearer nobody-has-this-token-0000000000000000' },
    'a token without a scheme': { authorization: 'test-owner-token-of-forty-characters-0000' },
    'an empty token': { authorization: 'Bearer ' },
    'two tokens': { authorization: 'Bearer one two' },
    'another scheme': { authorization: `Basic ${btoa('owner:test-owner-token-of-forty-characters-0000')}` },
    'an endless token': { authorization: `Bearer ${'x'.repeat(5_000)}` },
  }
  const cases = Object.entries(headers).flatMap(([name, given]) =>
    [json, modern].map((accept) => ({ name, given, accept })),
  )

  it.each(cases)('is refused with $name as $accept', async ({ given, accept }) => {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': json, accept, ...given },
      body: JSON.stringify(typename),
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="signalbox"')
    expect(response.headers.get('content-type')).toBe(`${accept}; charset=utf-8`)
    const body = (await response.json()) as object
    expect(body).toEqual({ errors: [{ message: expect.any(String), extensions: { code: 'UNAUTHENTICATED' } }] })
  })

  it('may write the scheme as it likes', async () => {
    expect((await ask({ headers: { authorization: `bearer  ${server.token}` }, body: typename })).status).toBe(200)
  })

  it('is refused before the body is looked at', async () => {
    expect((await ask({ headers: { authorization: '' }, body: '{' })).status).toBe(401)
  })
})

describe('a request', () => {
  it('can’t change anything by GET', async () => {
    const id = await submitDistant(server)
    const query = `mutation { cancelTask(input: { id: "${id}" }) { __typename } }`
    const told = await ask({ method: 'GET', query: { query } })
    expect(told).toMatchObject({ status: 405, body: { errors: [{ extensions: { code: 'INVALID_INPUT' } }] } })
    expect(told.headers.get('allow')).toBe('POST')
    const answer = await graphql<{ task: object }>(server, `{ task(id: "${id}") { status } }`)
    expect(answer.data?.task).toEqual({ status: 'SCHEDULED' })
  })

  it('may be a GET when it only reads', async () => {
    const query = { query: 'query A($id: ID!) { task(id: $id) { id } } query B { __typename }', operationName: 'A' }
    const told = await ask({ method: 'GET', query: { ...query, variables: '{"id":"x"}' } })
    expect(told).toMatchObject({ status: 200, body: { data: { task: null } } })
  })

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('can’t be a %s', async (method) => {
    const told = await ask({ method })
    expect(told).toMatchObject({ status: 405, body: { errors: [{ extensions: { code: 'INVALID_INPUT' } }] } })
    expect(told.headers.get('allow')).toBe('GET, POST')
  })

  const malformed: Record<string, unknown> = {
    'is not JSON': '{',
    'is empty': '',
    'is null': 'null',
    'is a text': '"{ __typename }"',
    'is a list: batching is off': [typename, typename],
    'is an empty list': [],
    'has an unknown parameter': { ...typename, variable: {} },
    'has a list of variables': { ...typename, variables: [] },
    'has a text for variables': { ...typename, variables: '{}' },
    'has a number for extensions': { ...typename, extensions: 1 },
    'has an object for a query': { query: {} },
  }
  it.each(Object.entries(malformed))('is refused when it %s', async (_, body) => {
    for (const accept of [json, modern]) {
      const told = await ask({ headers: { accept }, body })
      expect(told).toMatchObject({ status: 400, type: `${accept}; charset=utf-8` })
      expect(told.body).toEqual({ errors: [{ message: expect.any(String), extensions: { code: 'INVALID_INPUT' } }] })
    }
  })

  it('does nothing of what a refused list asks for', async () => {
    const change = {
      query: 'mutation { submitTask(input: { type: "probe", labels: { from: "list" } }) { __typename } }',
    }
    expect((await ask({ body: [change] })).status).toBe(400)
    const { data } = await graphql(server, '{ tasks(where: { labels: { from: "list" } }) { nodes { id } } }')
    expect(data).toEqual({ tasks: { nodes: [] } })
  })

  it.each(['text/plain', 'multipart/form-data; boundary=x', 'application/xml', ''])(
    'is refused with the content type "%s"',
    async (type) => {
      expect((await ask({ headers: { 'content-type': type }, body: typename })).status).toBe(415)
    },
  )

  const wrong: Record<string, { query: string; variables?: object; operationName?: string }> = {
    'can’t be parsed': { query: '{' },
    'is not valid': { query: '{ nothing }' },
    'doesn’t say which operation': { query: 'query A { __typename } query B { __typename }' },
    'names no operation of its own': { query: 'query A { __typename }', operationName: 'B' },
  }
  it.each(Object.entries(wrong))('is refused when its query %s', async (_, body) => {
    const told = await ask({ headers: { accept: modern }, body })
    expect(told.status).toBe(400)
    expect(codesOf(told)).toEqual(['INVALID_INPUT'])
    expect(told.body).not.toHaveProperty('data')
    expect(await ask({ headers: { accept: json }, body })).toMatchObject({ status: 200, body: told.body })
  })

  const wrongVariables: Record<string, { query: string; variables?: object }> = {
    'has a variable of another type': {
      query: 'query ($first: Int) { tasks(first: $first) { nodes { id } } }',
      variables: { first: 'many' },
    },
    'has a time that is none': {
      query: 'query ($from: DateTime) { tasks(where: { createdFrom: $from }) { nodes { id } } }',
      variables: { from: 'yesterday' },
    },
    'lacks a variable': { query: 'query ($id: ID!) { task(id: $id) { id } }' },
  }
  it.each(Object.entries(wrongVariables))('is refused when it %s', async (_, body) => {
    for (const accept of [json, modern]) {
      const told = await ask({ headers: { accept }, body })
      expect(told.status).toBe(400)
      expect(codesOf(told)).toEqual(['INVALID_INPUT'])
      expect(told.body).not.toHaveProperty('data')
    }
  })

  it('is refused as a whole for an argument that may not be null', async () => {
    const query = 'query ($order: TaskOrder) { tasks(orderBy: $order) { nodes { id } } }'
    const told = await ask({ body: { query, variables: { order: null } } })
    expect(told.body).not.toHaveProperty('data')
    expect(told.body.errors).toMatchObject([
      { message: expect.stringContaining('orderBy'), extensions: { code: 'INVALID_INPUT' } },
    ])
  })

  it.each([0, -1, 201, 1_000_000])('is refused when it asks for %d at once', async (first) => {
    for (const list of ['tasks', 'events']) {
      const { data, errors } = await graphql(server, `{ ${list}(first: ${first}) { nodes { __typename } } }`)
      expect(data).toBe(null)
      expect(errors).toMatchObject([
        { path: [list], extensions: { code: 'INVALID_INPUT', issues: [{ path: 'first' }] } },
      ])
    }
  })
})

describe('a cursor', () => {
  const lists = {
    tasks: '{ tasks(after: $after) { nodes { id } } }',
    'tasks, oldest first': '{ tasks(orderBy: OLDEST_FIRST, after: $after) { nodes { id } } }',
    events: '{ events(after: $after) { nodes { type } } }',
    logs: '{ task(id: $id) { logs(after: $after) { nodes { message } } } }',
  }
  const own: Partial<Record<keyof typeof lists, string>> = {}
  let id: string
  beforeAll(async () => {
    id = await submitDistant(server)
    const data = await graphqlData<Record<string, { edges: { cursor: string }[] }>>(
      server,
      '{ newest: tasks { edges { cursor } } oldest: tasks(orderBy: OLDEST_FIRST) { edges { cursor } } events { edges { cursor } } }',
    )
    own.tasks = data['newest']?.edges[0]?.cursor ?? ''
    own['tasks, oldest first'] = data['oldest']?.edges[0]?.cursor ?? ''
    own.events = data['events']?.edges[0]?.cursor ?? ''
    own.logs = encodeCursor('log', [id, '1'])
  })

  const page = (list: keyof typeof lists, after: string | undefined) => {
    const query = `query ($after: String${list === 'logs' ? ', $id: ID!' : ''}) ${lists[list]}`
    return graphql(server, query, { after, ...(list === 'logs' && { id }) })
  }
  const names = Object.keys(lists) as (keyof typeof lists)[]

  it.each(names)('works on its own list: %s', async (list) => {
    expect(await page(list, own[list])).not.toHaveProperty('errors')
  })

  it.each(names)('is refused on another list than %s', async (list) => {
    for (const other of names.filter((name) => name !== list))
      expect(await page(other, own[list])).toMatchObject({ errors: [{ extensions: { code: 'INVALID_CURSOR' } }] })
  })

  const malformed = ['x', '????', 'x'.repeat(10_000), Buffer.from('tasks-desc|x').toString('base64url')]
  it.each(malformed)('is refused when it is none of ours', async (cursor) => {
    for (const list of names)
      expect(await page(list, cursor)).toMatchObject({ errors: [{ extensions: { code: 'INVALID_CURSOR' } }] })
  })

  it('is refused on the log of another task', async () => {
    own.logs = encodeCursor('log', [await submitDistant(server), '1'])
    expect(await page('logs', own.logs)).toMatchObject({ errors: [{ extensions: { code: 'INVALID_CURSOR' } }] })
  })

  it('is refused for another account', async () => {
    const { token } = await addToken(server)
    const query = 'query ($after: String) { events(after: $after) { nodes { type } } }'
    expect(await graphql(server, query, { after: own.events }, token)).toMatchObject({
      errors: [{ extensions: { code: 'INVALID_CURSOR' } }],
    })
  })
})

describe('the answer’s media type', () => {
  const accepts: Record<string, string> = {
    '*/*': json,
    'application/*': json,
    [json]: json,
    [modern]: modern,
    [`${modern}, ${json};q=0.9`]: modern,
    [`${json};q=0.9, ${modern}`]: modern,
    [`${json}, ${modern}`]: json,
    [`${modern};q=0, ${json}`]: json,
    [`${modern}; charset=utf-8, ${json}; charset=utf-8`]: modern,
    [`${modern}; charset=latin1, ${json}`]: json,
    [`${modern}, application/graphql+json, ${json}, text/event-stream, multipart/mixed`]: modern,
    [`text/html, ${json}`]: json,
    [`${json}, */*`]: json,
    'APPLICATION/JSON': json,
    [`${json};indent=2;profile="a, b"`]: json,
    [`*/*, ${json};q=0`]: modern,
    [`*/*;q=0.5, text/event-stream;q=0`]: json,
  }
  const operations = {
    query: typename,
    'refused query': { query: '{ nothing }' },
    'failing query': { query: '{ tasks(first: 0) { nodes { id } } }' },
    subscription: { query: 'subscription { taskUpdates(id: "none") { kind } }' },
  }
  // With this parameter the same request is not the plain case, but Yoga's to answer.
  const byYoga = `${json}; charset=utf-8; by=yoga`

  it.each(Object.entries(accepts))('of Accept: %s is %s, for every operation', async (accept, type) => {
    for (const body of Object.values(operations).slice(0, 3)) {
      const plain = await ask({ headers: { accept }, body })
      const yoga = await ask({ headers: { accept, 'content-type': byYoga }, body })
      expect(plain.type).toBe(`${type}; charset=utf-8`)
      expect([yoga.type, yoga.status, yoga.body]).toEqual([plain.type, plain.status, plain.body])
    }
  })

  it.each(['text/html', 'text/plain', 'multipart/mixed', 'image/*', `${json};q=0`])(
    'can’t be %s, so nothing is done',
    async (accept) => {
      const change = 'mutation { submitTask(input: { type: "probe", labels: { as: "unaccepted" } }) { __typename } }'
      for (const contentType of [json, byYoga]) {
        const told = await ask({ headers: { accept, 'content-type': contentType }, body: { query: change } })
        expect(told).toMatchObject({ status: 406, body: { errors: [{ extensions: { code: 'NOT_ACCEPTABLE' } }] } })
      }
      const { data } = await graphql(server, '{ tasks(where: { labels: { as: "unaccepted" } }) { nodes { id } } }')
      expect(data).toEqual({ tasks: { nodes: [] } })
    },
  )

  it.each([json, modern])('can’t be %s for a subscription', async (accept) => {
    for (const contentType of [json, byYoga]) {
      const told = await ask({
        headers: { accept, 'content-type': contentType },
        body: { query: 'subscription { events { type } }' },
      })
      expect(told).toMatchObject({ status: 406, body: { errors: [{ extensions: { code: 'NOT_ACCEPTABLE' } }] } })
    }
    expect(await subscribers(server)).toBe(0)
  })
})

describe('a request’s id', () => {
  it('is the caller’s own', async () => {
    const told = await ask({ headers: { 'x-request-id': 'build-17.a_b' }, body: typename })
    expect(told.headers.get('x-request-id')).toBe('build-17.a_b')
  })

  it.each(['', 'two words', 'x'.repeat(129), '<script>'])('is a new one in place of "%s"', async (id) => {
    const told = await ask({ headers: { 'x-request-id': id }, body: typename })
    expect(told.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('is on answers that refuse, too', async () => {
    const told = await ask({ headers: { 'x-request-id': 'refused', authorization: '' }, body: typename })
    expect([told.status, told.headers.get('x-request-id')]).toEqual([401, 'refused'])
  })
})

describe('GraphiQL', () => {
  const headers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', authorization: '' }

  it('is shown to a browser without a token, and consists of files of ours', async () => {
    const response = await fetch(`${server.url}/graphql`, { headers: { accept: headers.accept } })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    const files = [...(await response.text()).matchAll(/(?:src|href)="(graphql[^"]+)"/g)].map(([, file]) => file ?? '')
    expect(files).toHaveLength(3)
    for (const file of [...files, 'graphql/json.worker.js', 'graphql/graphql.worker.js']) {
      const { status, headers } = await fetch(new URL(file, response.url))
      expect([status, headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/(javascript|css);/)])
      expect(headers.get('cache-control')).toContain('immutable')
    }
  })

  it('begins with operations that the schema has', () => {
    expect(validate(schema, parse(firstQuery))).toEqual([])
  })

  it('asks for a token by itself until one was entered, and leaves the server alone', async () => {
    const script = await (await fetch(`${server.url}/graphql/start.js`)).text()
    const asked: unknown[] = []
    const page = {
      document: { currentScript: { src: 'http://box.example/graphql/start.js?v=1' }, getElementById: () => null },
      fetch: (...args: unknown[]) => asked.push(args),
      YogaGraphiQL: { renderYogaGraphiQL: () => undefined },
    }
    const names = ['self', 'document', 'YogaGraphiQL', 'location']
    new Function(...names, script)(page, page.document, page.YogaGraphiQL, { href: 'http://box.example/graphql' })
    const send = (authorization: string) =>
      (page.fetch as unknown as typeof fetch)('/graphql', { headers: { authorization } })
    expect(await (await send('Bearer <your token>')).json()).toEqual({
      data: { hint: expect.stringContaining('Put your token in place of <your token>') },
    })
    // It looks whether the browser is signed in, and for nothing else.
    expect(asked).toEqual([[new URL('http://box.example/session')]])
    await send('Bearer sbx_token')
    expect(asked).toHaveLength(2)
  })

  it('does not let anybody execute anything', async () => {
    const told = await ask({ method: 'GET', headers, query: { query: '{ __typename }' } })
    expect(told.body).toEqual({})
    expect(told.type).toBe('text/html; charset=utf-8')
  })

  it('is not there in production', async () => {
    const production = await startTestServer({ env: { NODE_ENV: 'production' } })
    expect(await ask({ method: 'GET', headers, server: production })).toMatchObject({ status: 401 })
    expect(await fetch(`${production.url}/graphql/start.js`)).toMatchObject({ status: 404 })
    await production.close()
  })
})

/** A raw connection that has sent `text`. */
async function openRaw(text: string): Promise<Socket> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

/** All that comes until the other side closes the connection. */
async function readAll(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += String(chunk)
  })
  await once(socket, 'close')
  return text
}

function head(headers: readonly string[]): string {
  const lines = ['POST /graphql HTTP/1.1', 'Host: x', `Authorization: Bearer ${server.token}`, `Content-Type: ${json}`]
  return `${[...lines, ...headers].join('\r\n')}\r\n\r\n`
}

describe('a body over the limit', () => {
  const large = JSON.stringify({ ...typename, variables: { text: 'x'.repeat(5_000_000) } })
  const tooLarge = { status: 413, body: { errors: [{ extensions: { code: 'TOO_LARGE' } }] } }

  it('is refused, and the connection goes on', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const first = await post(agent, large)
    const second = await post(agent, JSON.stringify(typename))
    expect([first.status, second.status, second.port]).toEqual([413, 200, first.port])
    agent.destroy()
  })

  it('is refused when its length is not known before', async () => {
    const chunks = async function* () {
      for (let sent = 0; sent < large.length; sent += 65_536) yield Buffer.from(large.slice(sent, sent + 65_536))
    }
    const init = { method: 'POST', headers: { 'content-type': json, authorization: `Bearer ${server.token}` } }
    const response = await fetch(`${server.url}/graphql`, {
      ...init,
      body: chunks() as never,
      duplex: 'half',
    } as RequestInit)
    expect({ status: response.status, body: await response.json() }).toMatchObject(tooLarge)
  })

  it('is refused in other content types', async () => {
    const told = await ask({ headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: large })
    expect(told).toMatchObject(tooLarge)
  })

  it.each([
    ['announced', 'Content-Length: 5000000', ''],
    ['sent', 'Transfer-Encoding: chunked', `500000\r\n${'x'.repeat(5_000_000)}`],
  ])('that is %s but never ends has its connection closed', async (_, header, sent) => {
    const told = await readAll(await openRaw(`${head([header])}${sent}`))
    expect(told).toMatch(/^HTTP\/1.1 413 /)
    expect(told).toContain('"TOO_LARGE"')
  })

  it('is one byte too long, or just not', async () => {
    const limit = 4 * 1024 * 1024
    const padded = (size: number) => JSON.stringify(typename).padEnd(size)
    expect((await ask({ body: padded(limit) })).status).toBe(200)
    expect((await ask({ body: padded(limit + 1) })).status).toBe(413)
  })
})

async function post(
  agent: Agent,
  body: string,
): Promise<{ status: number | undefined; port: number | undefined; text: string }> {
  const sent = request(`${server.url}/graphql`, {
    agent,
    method: 'POST',
    headers: {
      'content-type': json,
      authorization: `Bearer ${server.token}`,
      'content-length': Buffer.byteLength(body),
    },
  })
  sent.end(body)
  const [response] = await once(sent, 'response')
  const port = sent.socket?.localPort
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode, port, text }
}

describe('a connection', () => {
  it('serves one request after the other', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ports = new Set<number | undefined>()
    for (const body of [typename, { query: '{' }, '[]', { query: '{ viewer { name } }' }])
      ports.add((await post(agent, JSON.stringify(body))).port)
    expect(ports.size).toBe(1)
    agent.destroy()
  })

  it('answers requests that were sent together in their order', async () => {
    const body = (id: string) => `{"query":"{ ${id}: __typename }"}`
    const one = (id: string, ...more: string[]) => `${head([`Content-Length: ${body(id).length}`, ...more])}${body(id)}`
    const told = await readAll(await openRaw(one('first') + one('second', 'Connection: close')))
    expect([...told.matchAll(/"(first|second)"/g)].map(([, id]) => id)).toEqual(['first', 'second'])
  })

  it('may break in the middle of a body or of a query without harm to others', async () => {
    const slow = JSON.stringify({
      query: '{ tasks(first: 200) { nodes { id input labels attempts { number } logs { nodes { message } } } } }',
    })
    const broken = [head(['Content-Length: 1000']), `${head([`Content-Length: ${slow.length}`])}${slow}`]
    for (const text of broken.flatMap((one) => Array<string>(20).fill(one))) (await openRaw(text)).destroy()
    const told = await Promise.all(Array.from({ length: 20 }, () => ask({ body: { query: '{ viewer { name } }' } })))
    expect(new Set(told.map(({ status }) => status))).toEqual(new Set([200]))
    // Nothing has kept a connection of the pool, of which there are five.
    const connections = (state: string) => metric(server, `signalbox_database_connections{state="${state}"}`)
    await until(async () => {
      const [total, idle] = [await connections('total'), await connections('idle')]
      // The figures are read while the queue's depth is, in a connection of its own.
      return total > 0 && total - idle <= 1
    })
  })
})

describe('an unexpected error', () => {
  it('is reported by an id alone, and leaves the rest of the response intact', async () => {
    const broken = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
    await broken.database.query('ALTER TABLE task RENAME TO task_elsewhere')
    const id = '0190a6f4-0000-7000-8000-000000000000'
    const { status, body } = await ask({
      body: { query: `{ viewer { name } task(id: "${id}") { id } }` },
      server: broken,
    })
    const [error] = body.errors ?? []
    expect({ status, data: body.data }).toEqual({ status: 200, data: { viewer: { name: 'owner' }, task: null } })
    expect(error).toMatchObject({ path: ['task'], extensions: { code: 'INTERNAL', errorId: expect.any(String) } })
    expect(error?.message).toBe(
      `The server failed to handle the request. Its log has the details under ${error?.extensions?.['errorId']}.`,
    )
    expect(JSON.stringify(body)).not.toMatch(/task_elsewhere|relation|prisma|select/i)
    await broken.close()
  })

  it('is an error of the whole request when nothing could be executed', async () => {
    const broken = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
    await broken.database.query('ALTER TABLE application_token RENAME TO token_elsewhere')
    const told = await ask({
      headers: { authorization: 'Bearer not-seen-before-00000000000000000000' },
      body: typename,
      server: broken,
    })
    expect(told).toMatchObject({ status: 500, body: { errors: [{ extensions: { code: 'INTERNAL' } }] } })
    expect(JSON.stringify(told.body)).not.toMatch(/token_elsewhere|relation/)
    await broken.close()
  })
})

describe('a database that doesn’t answer', () => {
  it('makes answers UNAVAILABLE, whatever is asked, and only as long as that', async () => {
    const database = await createTestDatabase()
    const path = await openPath(database.url)
    const cut = await startTestServer({ database, env: { DATABASE_URL: path.url, ROLES: 'api', LOG_LEVEL: 'silent' } })
    const query = { query: '{ tasks(first: 1) { nodes { id } } }' }
    expect(await ask({ body: query, server: cut })).toMatchObject({ status: 200 })
    path.cut()
    for (const token of [cut.token, 'not-seen-before-00000000000000000000']) {
      for (const accept of [json, modern]) {
        const headers = { accept, authorization: `Bearer ${token}` }
        const told = await ask({ headers, body: query, server: cut })
        expect(told).toMatchObject({ status: 503, type: `${accept}; charset=utf-8` })
        expect(codesOf(told)).toEqual(['UNAVAILABLE'])
      }
    }
    path.restore()
    expect(
      (
        await until(async () => {
          const told = await ask({ body: query, server: cut })
          return told.status === 200 && told
        })
      ).body,
    ).toEqual({ data: { tasks: { nodes: [] } } })
    await cut.close()
    await path.close()
    await database.drop()
  })

  it('makes a query UNAVAILABLE whose connection breaks meanwhile', async () => {
    const database = await createTestDatabase()
    const path = await openPath(database.url)
    const cut = await startTestServer({ database, env: { DATABASE_URL: path.url, ROLES: 'api', LOG_LEVEL: 'silent' } })
    const holder = new pg.Client({ connectionString: database.url })
    await holder.connect()
    await holder.query('BEGIN; LOCK TABLE task IN ACCESS EXCLUSIVE MODE')
    const asked = ask({ body: { query: '{ tasks(first: 1) { nodes { id } } }' }, server: cut })
    await until(
      async () =>
        (await database.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE '%task%'"))
          .length > 0,
    )
    path.cut()
    expect(await asked).toMatchObject({ status: 503, body: { errors: [{ extensions: { code: 'UNAVAILABLE' } }] } })
    await holder.end()
    path.restore()
    await cut.close()
    await path.close()
    await database.drop()
  })
})
