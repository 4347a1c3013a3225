import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import { startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { connectSocket, openSocket, type RawSocket } from '#test/support/websocket.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({
    env: {
      OPERATION_LIMIT: '4',
      LOCK_WAIT_LIMIT: '3',
      HELD_BYTES_LIMIT: '2097152',
      BODY_LIMIT_BYTES: '1048576',
      SOCKET_LIMIT: '3',
    },
  })
})
afterAll(() => server.close())

const acquire = `mutation ($name: String!, $waitMs: Int!) { acquireLock(input: { name: $name, ttlMs: 60000, waitMs: $waitMs }) {
  ... on AcquireLockPayload { lock { fence } } ... on Failure { code message } } }`

type At = Pick<TestServer, 'url' | 'token'>

/** Somebody of an own account, who holds a lock. */
async function holder(): Promise<At> {
  const { token } = await addToken(server, { accountId: await ownAccount(server) })
  const at = { url: server.url, token }
  await graphqlData(at, acquire, { name: 'held', waitMs: 0 })
  return at
}

/** Asks so often for a lock that is held, each time as an operation that waits. */
function wait(socket: RawSocket, count: number, variables: object = {}, prefix = 'wait'): void {
  for (let asked = 0; asked < count; asked += 1)
    socket.subscribe(`${prefix}-${asked}`, acquire, { name: 'held', waitMs: 60_000, ...variables })
}

async function post(at: At, body: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${at.url}/graphql`, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${at.token}`, 'content-type': 'application/json', ...headers },
  })
  const { errors } = (await response.json()) as { errors?: { message: string; extensions: { code: string } }[] }
  return { status: response.status, code: errors?.[0]?.extensions.code, message: errors?.[0]?.message }
}

const typename = JSON.stringify({ query: '{ __typename }' })

describe('operations of one caller that are under way', () => {
  /** Three requests that wait, on a WebSocket and by HTTP, and a stream. */
  async function allTaken() {
    const at = await holder()
    const socket = await connectSocket(at)
    wait(socket, 2)
    const leaving = new AbortController()
    const headers = { authorization: `Bearer ${at.token}`, 'content-type': 'application/json' }
    const subscription = JSON.stringify({ query: 'subscription { events { type } }' })
    const stream = await fetch(`${at.url}/graphql`, {
      method: 'POST',
      body: subscription,
      headers: { ...headers, accept: 'text/event-stream' },
      signal: leaving.signal,
    })
    const waiting = JSON.stringify({ query: acquire, variables: { name: 'held', waitMs: 60_000 } })
    const init = { method: 'POST', body: waiting, headers, signal: leaving.signal }
    const third = fetch(`${at.url}/graphql`, init).catch(() => undefined)
    // Waits of which three are allowed leave a fourth operation free, to release the lock with, say.
    const [{ waiting: queued } = { waiting: 0 }] = await until(async () => {
      const rows = await server.database.query<{ waiting: number }>('SELECT count(*)::int AS waiting FROM lock_waiter')
      return rows[0]?.waiting === 3 && rows
    })
    expect(queued).toBe(3)
    return {
      at,
      socket,
      async close() {
        leaving.abort()
        await stream.body?.cancel().catch(() => undefined)
        await third
        await socket.close()
      },
    }
  }

  it('are limited, through every API, and not by streams', async () => {
    const { at, socket, close } = await allTaken()
    wait(socket, 1, {}, 'more')
    const { payload } = await socket.next('more-0')
    expect(payload.data.acquireLock).toMatchObject({
      code: 'LOCK_HELD',
      message: expect.stringContaining('and 3 requests of this caller wait for locks already'),
    })
    const slow = request(`${at.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${at.token}`, 'content-type': 'application/json', 'content-length': 100 },
    })
    slow.on('error', () => {})
    slow.write('{')
    await until(async () => (await post(at, typename)).status === 429)
    const message = 'At most 4 operations may be open at once: end one first.'
    expect(await post(at, typename)).toEqual({ status: 429, code: 'RATE_LIMITED', message })
    const problem = await fetch(`${at.url}/api/tasks`, { headers: { authorization: `Bearer ${at.token}` } })
    expect([problem.status, await problem.json()]).toMatchObject([429, { code: 'RATE_LIMITED' }])
    socket.subscribe('refused', '{ __typename }')
    expect(await socket.next('refused')).toMatchObject({
      type: 'error',
      payload: [{ message, extensions: { code: 'RATE_LIMITED' } }],
    })
    slow.destroy()
    await until(async () => (await post(at, typename)).status === 200)
    await close()
  })

  it('are over when the client goes away', async () => {
    const { at, close } = await allTaken()
    await close()
    await until(async () => {
      const all = await Promise.all(Array.from({ length: 4 }, () => post(at, typename)))
      return all.every(({ status }) => status === 200)
    })
  })

  it('do not count against others', async () => {
    const { close } = await allTaken()
    expect((await post(await holder(), typename)).status).toBe(200)
    await close()
  })

  it('are refused so often, and then the socket is closed for a while', async () => {
    const at = await holder()
    const socket = await connectSocket(at)
    const slow = Array.from({ length: 4 }, () => {
      const one = request(`${at.url}/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${at.token}`, 'content-type': 'application/json', 'content-length': 100 },
      })
      one.on('error', () => {})
      one.write('{')
      return one
    })
    await until(async () => (await post(at, typename)).status === 429)
    for (let asked = 0; asked <= 1_000; asked += 1) socket.subscribe(String(asked), '{ __typename }')
    expect(await socket.closed).toMatchObject({ code: 1013 })
    for (const one of slow) one.destroy()
  })
})

describe('bytes of requests that are under way', () => {
  const message = 'Requests in progress may hold at most 2097152 bytes together: wait until one has ended.'
  const unused = { unused: 'x'.repeat(900_000) }

  it('are limited for operations on a WebSocket', async () => {
    const at = await holder()
    const socket = await connectSocket(at)
    wait(socket, 3, unused)
    expect(await socket.next()).toMatchObject({
      id: 'wait-2',
      type: 'error',
      payload: [{ message, extensions: { code: 'RATE_LIMITED' } }],
    })
    socket.subscribe('small', '{ __typename }')
    expect(await socket.next('small')).toMatchObject({ type: 'next' })
    const large = JSON.stringify({ query: '{ __typename }', variables: unused })
    expect(await post(at, large)).toEqual({ status: 429, code: 'RATE_LIMITED', message })
    await socket.close()
    await until(async () => (await post(at, large)).status === 200)
  })

  it('are counted for a body before it is read, and as the most it may be when nobody says', async () => {
    const at = await holder()
    const socket = await connectSocket(at)
    wait(socket, 2, unused)
    const headers = { authorization: `Bearer ${at.token}`, 'content-type': 'application/json' }
    await until(
      async () => (await post(at, JSON.stringify({ query: '{ __typename }', variables: unused }))).status === 429,
    )
    for (const length of [{ 'content-length': '1000000' }, { 'transfer-encoding': 'chunked' }]) {
      const unread = request(`${at.url}/graphql`, { method: 'POST', headers: { ...headers, ...length } })
      unread.on('error', () => {})
      unread.flushHeaders()
      const [response] = await once(unread, 'response')
      expect(response.statusCode).toBe(429)
      unread.destroy()
    }
    await socket.close()
  })
})

describe('sockets of which nobody knows whose they are', () => {
  it('are limited for their address', async () => {
    const strangers = [await openSocket(server), await openSocket(server), await openSocket(server)]
    await expect(openSocket(server)).rejects.toThrow('429')
    const [first, ...others] = strangers
    first?.send({ type: 'connection_init', payload: { token: server.token } })
    expect(await first?.next()).toEqual({ type: 'connection_ack' })
    await (await openSocket(server)).close()
    for (const socket of [first, ...others]) await socket?.close()
  })
})

describe('a server of little memory', () => {
  it('outlives a socket that waits for more locks than it could hold', async () => {
    const database = await createTestDatabase()
    const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-memory-'))
    const env = { NODE_OPTIONS: '--max-old-space-size=400', LOCK_WAIT_LIMIT: '0' }
    const small = await startServerProcess({ dataDir, databaseUrl: database.url, env })
    const socket = await connectSocket(small)
    await graphqlData(small, acquire, { name: 'held', waitMs: 0 })
    const asked = 300
    const unused = 'x'.repeat(900_000)
    const payload = `{"query":${JSON.stringify(acquire)},"variables":{"name":"held","waitMs":60000,"unused":"${unused}"}}`
    // One after the other, so that the client hears the server's pings in between.
    for (let one = 0; one < asked; one += 1)
      await new Promise((sent) =>
        socket.socket.send(`{"type":"subscribe","id":"wait-${one}","payload":${payload}}`, sent),
      )
    socket.subscribe('last', '{ __typename }')
    await socket.next('last')
    const refused: string[] = []
    while (socket.waiting > 0) {
      const { type, payload } = await socket.next()
      // A slow machine has been sent pings as well.
      if (type === 'error') refused.push(payload[0].extensions.code)
    }
    expect(new Set(refused)).toEqual(new Set(['RATE_LIMITED']))
    expect(refused.length).toBeGreaterThan(asked - 100)
    await socket.close()
    expect(await small.end('SIGTERM')).toBe(0)
    await rm(dataDir, { recursive: true, force: true })
    await database.drop()
  }, 120_000)
})
