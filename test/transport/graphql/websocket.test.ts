import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Pool } from 'pg'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Caller, type Identity } from '#domain/access/caller.ts'
import type { AccessService } from '#domain/access/service.ts'
import { createLimitService } from '#domain/limits/service.ts'
import { systemClock } from '#lib/clock.ts'
import { readConfig } from '#src/config.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { createTestDatabase, startTestServer, type TestServer } from '#test/support/server.ts'
import { configFile, statusOf, submitDistant, submitSpeaker, subscribers } from '#test/support/streams.ts'
import { until } from '#test/support/until.ts'
import { connectSocket, type Frame, openSocket, type RawSocket } from '#test/support/websocket.ts'
import { createErrorMask } from '#transport/graphql/errors.ts'
import { createGraphqlServer } from '#transport/graphql/server.ts'
import { serveWebsocket } from '#transport/graphql/websocket.ts'
import { RequestAuth } from '#transport/request-auth.ts'
import { SessionCookies } from '#transport/session-cookies.ts'
import { openPath } from './database-path.ts'
import {
  expectHonestGaps,
  type FloodUpdate,
  floodIsOver,
  floodQuery,
  linesFrom,
  loggedLines,
  submitFlood,
} from './flood.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ configFile, env: { LOG_LEVEL: 'silent' } })
})
afterAll(() => server.close())

const updates = 'subscription ($id: ID!) { taskUpdates(id: $id) { kind } }'
const init = (payload?: object) => ({ type: 'connection_init', ...(payload && { payload }) })

/** How the server closes a socket that has sent these. */
async function closeAfter(...frames: (object | string | Buffer)[]): Promise<{ code: number; reason: string }> {
  const socket = await openSocket(server)
  for (const frame of frames) socket.send(frame)
  return socket.closed
}

const owner = () => init({ token: server.token })

describe('a socket is closed', () => {
  const invalid: Record<string, string | Buffer | object> = {
    'what is not JSON': '{',
    'no object': '[]',
    'no type': { id: '1' },
    'an unknown type': { type: 'start', id: '1' },
    'a type that is no text': { type: 1 },
    'a subscribe without an id': { type: 'subscribe', payload: { query: '{ __typename }' } },
    'a subscribe with an empty id': { type: 'subscribe', id: '', payload: { query: '{ __typename }' } },
    'a subscribe without a query': { type: 'subscribe', id: '1', payload: {} },
    'a subscribe without a payload': { type: 'subscribe', id: '1' },
    'a complete without an id': { type: 'complete' },
    'a list of variables': { type: 'subscribe', id: '1', payload: { query: '{ __typename }', variables: [] } },
    'parameters that are no object': { type: 'connection_init', payload: 'token' },
    'bytes that would be a message as text': Buffer.from(JSON.stringify({ type: 'ping' })),
    'bytes that are none': Buffer.from([0xff, 0x00]),
  }
  it.each(Object.entries(invalid))('with 4400 for %s', async (_, frame) => {
    expect(await closeAfter(owner(), frame)).toEqual({ code: 4400, reason: expect.stringMatching(/./) })
  })

  it('with 4401 for a subscribe before it was acknowledged', async () => {
    const subscribe = { type: 'subscribe', id: '1', payload: { query: '{ __typename }' } }
    expect(await closeAfter(subscribe)).toEqual({ code: 4401, reason: 'Unauthorized' })
  })

  const refused: Record<string, object | undefined> = {
    'no parameters': undefined,
    'no token': {},
    'an unknown token': { token: 'nobody-has-this-token-0000000000000000' },
    'an empty token': { token: '' },
    'a token that is no text': { token: 1 },
    'another scheme': { authorization: 'Basic dGVzdA==' },
    'a token without its scheme': { authorization: 'test-owner-token-of-forty-characters-0000' },
  }
  it.each(Object.entries(refused))('with 4403 for %s', async (_, params) => {
    expect(await closeAfter(init(params))).toEqual({ code: 4403, reason: 'Forbidden' })
  })

  it('with 4403 for an unknown token in the parameters, whatever the header says', async () => {
    const socket = await openSocket(server, { headers: { authorization: `Bearer ${server.token}` } })
    socket.send(init({ authorization: 'Bearer nobody-has-this-token-0000000000000000' }))
    expect(await socket.closed).toMatchObject({ code: 4403 })
  })

  it('with 4406 when it does not speak the protocol', async () => {
    const socket = await openSocket(server, { protocols: [] })
    expect(await socket.closed).toEqual({ code: 4406, reason: 'Subprotocol not acceptable' })
  })

  it('by the client itself when it speaks only another one, since that is not agreed to', async () => {
    const opening = openSocket(server, { protocols: ['graphql-ws'] })
    await expect(opening).rejects.toThrow('Server sent no subprotocol')
  })

  it('with 4409 for a second operation of the same id', async () => {
    const id = await submitDistant(server)
    const socket = await connectSocket(server)
    socket.subscribe('one', updates, { id })
    await socket.next('one')
    socket.subscribe('one', updates, { id })
    expect(await socket.closed).toEqual({ code: 4409, reason: 'Subscriber for one already exists' })
  })

  it('with 4429 for a second init', async () => {
    const reason = 'Too many initialisation requests'
    expect(await closeAfter(owner(), owner())).toEqual({ code: 4429, reason })
  })

  it('with 1009 for a message over 1 MiB', async () => {
    const large = { type: 'ping', payload: { text: 'x'.repeat(1024 * 1024) } }
    expect(await closeAfter(owner(), large)).toMatchObject({ code: 1009 })
  })

  it('with 1007 for text that is no UTF-8', async () => {
    const socket = await connectSocket(server)
    socket.socket.send(Buffer.from([0xff, 0xfe]), { binary: false })
    expect(await socket.closed).toMatchObject({ code: 1007 })
  })

  it('with 4500, and an id in place of the reason, when the server fails', async () => {
    const broken = await startTestServer({ env: { LOG_LEVEL: 'silent', ROLES: 'api' } })
    await broken.database.query('ALTER TABLE application_token RENAME TO token_elsewhere')
    const socket = await openSocket(broken)
    socket.send(init({ token: 'not-seen-before-00000000000000000000' }))
    const { code, reason } = await socket.closed
    expect(code).toBe(4500)
    expect(reason).toMatch(/^The server failed to handle the request\. Its log has the details under [0-9a-f-]{36}\.$/)
    await broken.close()
  })

  it('with 1013 while the database does not answer, and only as long as that', async () => {
    const database = await createTestDatabase()
    const path = await openPath(database.url)
    const cut = await startTestServer({ database, env: { DATABASE_URL: path.url, ROLES: 'api', LOG_LEVEL: 'silent' } })
    path.cut()
    const socket = await openSocket(cut)
    socket.send(init({ token: 'not-seen-before-00000000000000000000' }))
    expect(await socket.closed).toEqual({ code: 1013, reason: expect.stringContaining('try again') })
    path.restore()
    await until(async () => {
      const again = await openSocket(cut)
      again.send(init({ token: 'not-seen-before-00000000000000000000' }))
      return (await again.closed).code === 4403
    })
    await cut.close()
    await path.close()
    await database.drop()
  })

  it('with 1001 when the server stops, also one that reads nothing', async () => {
    const stopping = await startTestServer({ configFile, env: { LOG_LEVEL: 'silent' } })
    const [reader, other] = await Promise.all([connectSocket(stopping), connectSocket(stopping)])
    other.socket.pause()
    await stopping.close()
    expect(await reader.closed).toEqual({ code: 1001, reason: 'Going away' })
    other.socket.resume()
    await other.closed
  })
})

const unlimited = Object.fromEntries(
  ['TOKEN', 'USER', 'ADDRESS']
    .flatMap((name) => [`RATE_LIMIT_${name}`, `COST_LIMIT_${name}`])
    .map((name) => [name, '0']),
)
const somebody: Identity = {
  accountId: 'any',
  actor: { kind: 'application', id: 'any', name: 'any' },
  principalId: 'any',
  role: 'APPLICATION',
  grants: [],
  credential: { kind: 'token', id: 'any' },
  expiresAt: undefined,
}

/** The WebSocket endpoint alone, with shorter times; nobody gets in. */
async function openWebsocket(times: { initTimeoutMs?: number; keepAliveMs?: number }) {
  const http = createServer()
  const maskError = createErrorMask(pino({ level: 'silent' }))
  const log = pino({ level: 'silent' })
  const {
    limits: none,
    documentLimits,
    bodyBytes,
  } = readConfig(unlimited, { workingDirectory: '/', isTerminal: false })
  const limits = createLimitService({ pool: {} as Pool, limits: none, clock: systemClock, log })
  const graphqlServer = createGraphqlServer({
    contextOf: () => ({}) as never,
    maskError,
    limits,
    documentLimits,
    persisted: undefined,
    bodyBytes,
  })
  const access = {
    authenticate: async () => new Caller(somebody, { requestId: '', address: '', userAgent: '' }),
    hold: () => () => {},
  } as unknown as AccessService
  const cookies = new SessionCookies(undefined)
  const auth = new RequestAuth({ access, limits, trustedProxies: [], anonymousBodyBytes: 1_048_576, cookies })
  const endpoint = serveWebsocket({ http, server: graphqlServer, auth, maskError, log, ...times })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    token: 'any',
    async close() {
      await endpoint.close()
      http.close()
    },
  }
}

describe('the server’s patience', () => {
  it('ends with 4408 for who does not say who it is', async () => {
    const endpoint = await openWebsocket({ initTimeoutMs: 50 })
    const [silent, known] = await Promise.all([openSocket(endpoint), connectSocket(endpoint)])
    silent.send({ type: 'ping' })
    expect(await silent.closed).toEqual({ code: 4408, reason: 'Connection initialisation timeout' })
    known.send({ type: 'ping' })
    expect(await known.next()).toEqual({ type: 'pong' })
    await known.close()
    await endpoint.close()
  })

  it('ends for who answers no ping, and only then', async () => {
    const endpoint = await openWebsocket({ keepAliveMs: 50 })
    const [answering, silent] = await Promise.all([
      connectSocket(endpoint),
      connectSocket(endpoint, { autoPong: false }),
    ])
    expect(await silent.closed).toMatchObject({ code: 1006 })
    const [first, second] = [once(answering.socket, 'ping'), once(answering.socket, 'ping')]
    await first
    await second
    answering.send({ type: 'ping' })
    expect(await answering.next()).toEqual({ type: 'pong' })
    await answering.close()
    await endpoint.close()
  })
})

describe('the token', () => {
  it.each([
    ['authorization', 'Bearer '],
    ['Authorization', 'Bearer '],
    ['token', ''],
  ])('is taken from the parameter %s', async (name, prefix) => {
    const socket = await openSocket(server)
    socket.send(init({ [name]: `${prefix}${server.token}` }))
    expect(await socket.next()).toEqual({ type: 'connection_ack' })
    await socket.close()
  })

  it('is taken from the header of the upgrade', async () => {
    const socket = await openSocket(server, { headers: { authorization: `Bearer ${server.token}` } })
    socket.send(init())
    expect(await socket.next()).toEqual({ type: 'connection_ack' })
    await socket.close()
  })
})

describe('an upgrade', () => {
  async function upgrade(path: string): Promise<string> {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    const lines = ['Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
    socket.write(
      `${[`GET ${path} HTTP/1.1`, ...lines, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='].join('\r\n')}\r\n\r\n`,
    )
    const [answer] = await once(socket, 'data')
    if (!String(answer).includes('101')) await once(socket, 'close')
    socket.destroy()
    return String(answer)
  }

  it('to /graphql/ is taken as one to /graphql', async () => {
    expect(await upgrade('/graphql/')).toMatch(/^HTTP\/1\.1 101 /)
  })

  it.each(['/', '/graphqls', '/api', '//', '///graphql', 'http://['])('to %s is refused with 404', async (path) => {
    expect(await upgrade(path)).toMatch(/^HTTP\/1\.1 404 /)
  })

  it('may carry a query', async () => {
    expect(await upgrade('/graphql?from=here')).toMatch(/^HTTP\/1\.1 101 /)
  })

  it('that breaks off harms nobody', async () => {
    const { hostname, port } = new URL(server.url)
    for (const path of ['/none', '/graphql']) {
      const socket = connect(Number(port), hostname)
      await once(socket, 'connect')
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
      socket.resetAndDestroy()
    }
    expect(await graphql(server, '{ __typename }')).toEqual({ data: { __typename: 'Query' } })
  })
})

describe('ping', () => {
  it('is answered with its own payload, also before init', async () => {
    const socket = await openSocket(server)
    socket.send({ type: 'ping' })
    expect(await socket.next()).toEqual({ type: 'pong' })
    socket.send({ type: 'ping', payload: { n: 1 } })
    expect(await socket.next()).toEqual({ type: 'pong', payload: { n: 1 } })
    await socket.close()
  })

  it('of the WebSocket itself is answered', async () => {
    const socket = await openSocket(server)
    const answered = once(socket.socket, 'pong')
    socket.socket.ping('are you there?')
    expect(String((await answered)[0])).toBe('are you there?')
    await socket.close()
  })

  it('need not be waited for: a pong by itself is fine', async () => {
    const socket = await connectSocket(server)
    socket.send({ type: 'pong', payload: { n: 1 } })
    socket.send({ type: 'ping' })
    expect(await socket.next()).toEqual({ type: 'pong' })
    await socket.close()
  })
})

describe('an operation', () => {
  let socket: RawSocket
  beforeAll(async () => {
    socket = await connectSocket(server)
  })
  afterAll(() => socket.close())

  async function framesOf(id: string): Promise<Frame[]> {
    const frames: Frame[] = []
    for (;;) {
      const frame = await socket.next(id)
      frames.push(frame)
      if (frame.type !== 'next') return frames
    }
  }

  it('may be a query', async () => {
    socket.subscribe('q', '{ viewer { name } }')
    const next = { id: 'q', type: 'next', payload: { data: { viewer: { name: 'owner' } } } }
    expect(await framesOf('q')).toMatchObject([next, { id: 'q', type: 'complete' }])
  })

  it('may be a mutation', async () => {
    socket.subscribe(
      'm',
      'mutation { submitTask(input: { type: "probe" }) { ... on SubmitTaskPayload { task { id } } } }',
    )
    const [next, complete] = await framesOf('m')
    expect(complete).toEqual({ id: 'm', type: 'complete' })
    expect(await statusOf(server, next?.payload.data.submitTask.task.id)).toMatch(/PENDING|ACTIVE|COMPLETED/)
  })

  it('may be the one of several that it names', async () => {
    const query = 'query A { a: __typename } query B { b: __typename }'
    socket.send({ id: 'n', type: 'subscribe', payload: { query, operationName: 'B' } })
    expect((await framesOf('n'))[0]).toMatchObject({ payload: { data: { b: 'Query' } } })
  })

  it('that fails in a part has its other parts', async () => {
    socket.subscribe('p', '{ viewer { name } task(id: "x") { id } tasks(first: 0) { nodes { id } } }')
    const [next] = await framesOf('p')
    expect(next).toMatchObject({ type: 'next', payload: { data: null, errors: [{ path: ['tasks'] }] } })
    expect(next?.payload.errors[0].extensions).toMatchObject({ code: 'INVALID_INPUT' })
  })

  const refused: Record<string, { query: string; variables?: object; operationName?: string; code: string }> = {
    'can’t be parsed': { query: '{', code: 'INVALID_INPUT' },
    'is not valid': { query: '{ nothing }', code: 'INVALID_INPUT' },
    'names none of its operations': { query: 'query A { __typename }', operationName: 'B', code: 'INVALID_INPUT' },
    'is a subscription that lacks a variable': { query: updates, code: 'INVALID_INPUT' },
    'follows an unknown task': {
      query: updates,
      variables: { id: '0190a6f4-0000-7000-8000-000000000000' },
      code: 'NOT_FOUND',
    },
    'follows what can be no task': { query: updates, variables: { id: 'none' }, code: 'NOT_FOUND' },
    'resumes after an invalid cursor': {
      query: 'subscription { events(after: "x") { type } }',
      code: 'INVALID_CURSOR',
    },
    'asks for an invalid event type': {
      query: 'subscription { events(types: ["?"]) { type } }',
      code: 'INVALID_INPUT',
    },
  }
  it.each(Object.entries(refused))('that %s gets an error, and the socket lives', async (_, { code, ...payload }) => {
    socket.send({ id: 'r', type: 'subscribe', payload })
    const [frame, ...more] = await framesOf('r')
    expect(more).toEqual([])
    expect(frame).toMatchObject({ type: 'error', payload: [{ message: expect.any(String), extensions: { code } }] })
    expect(JSON.stringify(frame)).not.toContain('"http"')
    socket.subscribe('r', '{ __typename }')
    expect(await framesOf('r')).toHaveLength(2)
  })

  it('that is refused keeps no stream open', async () => {
    const before = await subscribers(server)
    socket.subscribe('s', updates, { id: 'none' })
    await framesOf('s')
    expect(await subscribers(server)).toBe(before)
  })

  it('may stand beside others on the same socket', async () => {
    const speakers = await Promise.all([submitSpeaker(server), submitSpeaker(server), submitSpeaker(server)])
    speakers.forEach(({ id }, index) => {
      socket.subscribe(`beside-${index}`, 'subscription ($id: ID!) { taskUpdates(id: $id) { kind status taskId } }', {
        id,
      })
    })
    for (const { release } of speakers.toReversed()) release()
    for (const [index, { id }] of speakers.entries()) {
      const frames = await framesOf(`beside-${index}`)
      const told = frames.slice(0, -1).map((frame) => frame.payload.data.taskUpdates)
      expect(new Set(told.map(({ taskId }) => taskId))).toEqual(new Set([id]))
      expect(told.at(-1)).toMatchObject({ kind: 'STATUS', status: 'COMPLETED' })
    }
  })

  it('may use the id of one that has completed', async () => {
    for (let round = 0; round < 3; round++) {
      socket.subscribe('again', '{ __typename }')
      expect(await framesOf('again')).toHaveLength(2)
    }
  })
})

describe('a stream', () => {
  const subscriptions: Record<string, string> = {
    taskUpdates: updates,
    taskFeed: 'subscription { taskFeed { kind } }',
    events: 'subscription { events(subject: "none") { type } }',
  }

  /** Opens one on a task that nothing happens to, so that nothing but the client can end it. */
  async function openQuiet(query: string): Promise<{ socket: RawSocket; before: number }> {
    const before = await subscribers(server)
    const id = await submitDistant(server)
    const socket = await connectSocket(server)
    socket.subscribe('quiet', query, query === updates ? { id } : {})
    await until(async () => (await subscribers(server)) === before + 1)
    return { socket, before }
  }

  it.each(Object.entries(subscriptions))('of %s is released when the client completes it', async (_, query) => {
    const { socket, before } = await openQuiet(query)
    socket.send({ id: 'quiet', type: 'complete' })
    await until(async () => (await subscribers(server)) === before)
    await socket.close()
  })

  it.each(Object.entries(subscriptions))('of %s is released when the client closes its socket', async (_, query) => {
    const { socket, before } = await openQuiet(query)
    await socket.close()
    await until(async () => (await subscribers(server)) === before)
  })

  it('is released when the connection breaks', async () => {
    const { socket, before } = await openQuiet(updates)
    socket.socket.terminate()
    await until(async () => (await subscribers(server)) === before)
  })

  it('is released when it is completed at once', async () => {
    const before = await subscribers(server)
    const id = await submitDistant(server)
    const socket = await connectSocket(server)
    for (let round = 0; round < 20; round++) {
      socket.subscribe(`${round}`, updates, { id })
      socket.send({ id: `${round}`, type: 'complete' })
    }
    socket.subscribe('after', '{ __typename }')
    await socket.next('after')
    await until(async () => (await subscribers(server)) === before)
    await socket.close()
  })

  it('tells nothing more once it was completed', async () => {
    const { id, release } = await submitSpeaker(server)
    const socket = await connectSocket(server)
    socket.subscribe('one', updates, { id })
    await socket.next('one')
    socket.send({ id: 'one', type: 'complete' })
    // Frames are answered in order, so what was on its way when the server read this comes before the pong.
    socket.send({ type: 'ping' })
    while ((await socket.next()).type !== 'pong');
    release()
    await until(async () => (await statusOf(server, id)) === 'COMPLETED')
    socket.send({ type: 'ping' })
    expect(await socket.next()).toEqual({ type: 'pong' })
    await socket.close()
  })

  it('that breaks ends with an error that is an id alone, and the socket lives', async () => {
    const broken = await startTestServer({ env: { LOG_LEVEL: 'silent', ROLES: 'api' } })
    const id = await submitDistant(broken)
    const data = await graphqlData<{ events: { edges: { cursor: string }[] } }>(
      broken,
      '{ events(first: 1) { edges { cursor } } }',
    )
    const after = data.events.edges[0]?.cursor
    await submitDistant(broken)
    await broken.database.query('ALTER TABLE journal RENAME TO journal_elsewhere')
    const socket = await connectSocket(broken)
    socket.subscribe('one', 'subscription ($after: String) { events(after: $after) { type } }', { after })
    const frame = await socket.next('one')
    expect(frame).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'INTERNAL', errorId: expect.any(String) } }],
    })
    expect(JSON.stringify(frame)).not.toMatch(/relation|journal/)
    socket.subscribe('two', 'query ($id: ID!) { task(id: $id) { id } }', { id })
    expect(await socket.next('two')).toMatchObject({ payload: { data: { task: { id } } } })
    await socket.close()
    await broken.close()
  })
})

describe('a client that reads nothing', () => {
  async function readAll(socket: RawSocket, id: string): Promise<FloodUpdate[]> {
    const told: FloodUpdate[] = []
    for await (const data of socket.results(id)) told.push(data['taskUpdates'] as FloodUpdate)
    return told
  }

  it('fills only its own bounded buffer, learns how much it has missed, and can fetch it again', async () => {
    const id = await submitFlood(server)
    const slow = await connectSocket(server)
    slow.subscribe('flood', floodQuery, { id })
    slow.socket.pause()
    // Others are served meanwhile, by sockets of their own and by HTTP.
    const other = await connectSocket(server)
    const { id: quick, release } = await submitSpeaker(server)
    other.subscribe('quick', updates, { id: quick })
    release()
    expect((await readAll(other, 'quick')).at(-1)).toMatchObject({ kind: 'STATUS' })
    await other.close()
    await floodIsOver(server, id)

    slow.socket.resume()
    const { cursor, missing } = expectHonestGaps(await readAll(slow, 'flood'))
    slow.subscribe('again', floodQuery, { id, after: cursor })
    expect(loggedLines(await readAll(slow, 'again'))).toEqual(linesFrom(missing))
    await slow.close()
  }, 60_000)
})
