import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { endpointOf } from '#client/endpoint.ts'
import {
  createClient,
  EventStreamDocument,
  followEvents,
  payloadOf,
  type SignalboxClient,
  SubmitTaskDocument,
  ViewerDocument,
} from '#client/index.ts'
import { freePort } from '#platform/system/free-port.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { addPerson, refresh, signIn } from '#test/support/people.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let client: SignalboxClient
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())
beforeEach(() => {
  client = createClient(server)
})
afterEach(() => client.close())

describe('a token that can be renewed', () => {
  it('keeps a stream going when the one that it began with is over', async () => {
    const session = { ...(await signIn(server, await addPerson(server, 'OWNER'))) }
    const renewable = createClient({ url: server.url, token: async () => session.accessToken })
    const connections: unknown[] = []
    const options = { onConnected: () => void connections.push('let in') }
    const events = followEvents(renewable, { types: ['auth.team_created'] }, options)
    const next = events.next()
    await until(() => connections.length === 1)
    // Fewer rights end what was let in with more, as time ends what was let in with a token.
    const wanted = ['events:read', 'audit:read']
    Object.assign(session, await refresh(server, session.refreshToken, wanted))
    await until(() => connections.length === 2)
    const name = 'renewed'
    await graphqlData(server, `mutation { createTeam(input: { slug: "${name}", name: "${name}" }) { __typename } }`)
    expect((await next).value).toMatchObject({ data: { name } })
    await renewable.close()
    await events.return()
  })

  it('that is not valid is refused all the same', async () => {
    const stranger = createClient({ url: server.url, token: async () => 'not-a-token' })
    await expect(followEvents(stranger).next()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    await stranger.close()
  })
})

describe('a request', () => {
  it('resolves with what was asked for', async () => {
    const { viewer } = await client.request(ViewerDocument, {})
    expect(viewer).toMatchObject({ name: 'owner', role: 'OWNER' })
  })

  it('throws the server’s code and status when nobody is signed in', async () => {
    const stranger = createClient({ url: server.url, token: 'not-a-token' })
    await expect(stranger.request(ViewerDocument, {})).rejects.toMatchObject({
      name: 'SignalboxError',
      code: 'UNAUTHENTICATED',
      status: 401,
    })
  })

  it('throws the failure of a mutation with its issues', async () => {
    const input = { type: 'probe', input: { durationMs: 'long' } }
    const { submitTask } = await client.request(SubmitTaskDocument, { input })
    expect(() => payloadOf(submitTask)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        issues: [expect.objectContaining({ path: 'input.durationMs' })],
      }),
    )
  })

  it('throws SignalboxUnreachable when nothing listens', async () => {
    const nowhere = createClient({ url: `http://127.0.0.1:${await freePort()}` })
    await expect(nowhere.request(ViewerDocument, {})).rejects.toMatchObject({
      name: 'SignalboxUnreachable',
      message: expect.stringContaining('nothing listens there'),
    })
  })

  it('says which option streams need where the runtime has no WebSocket', async () => {
    const { WebSocket: own } = globalThis
    Reflect.deleteProperty(globalThis, 'WebSocket')
    const older = createClient({ url: server.url, token: server.token })
    try {
      await expect(followEvents(older).next()).rejects.toMatchObject({
        name: 'SignalboxError',
        code: 'NO_WEBSOCKET',
        message: expect.stringContaining('the option webSocket of createClient'),
      })
    } finally {
      globalThis.WebSocket = own
      await older.close()
    }
  })

  it('ends with the signal’s reason', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(client.request(ViewerDocument, {}, { signal })).rejects.toThrow('enough')
  })

  it('is refused after the client was closed', async () => {
    await client.close()
    await expect(client.request(ViewerDocument, {})).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  })
})

describe('a request to something else', () => {
  const servers: ReturnType<typeof createServer>[] = []
  afterEach(() => {
    for (const other of servers.splice(0)) {
      other.close()
      other.closeAllConnections()
    }
  })

  async function answering(listener: RequestListener): Promise<string> {
    const other = createServer(listener).listen(0, '127.0.0.1')
    servers.push(other)
    await once(other, 'listening')
    return `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  }

  it('says that it is not a Signalbox server', async () => {
    const url = await answering((_req, res) => res.writeHead(404).end('<html>'))
    await expect(createClient({ url }).request(ViewerDocument, {})).rejects.toMatchObject({
      code: 'UNEXPECTED_RESPONSE',
      status: 404,
    })
  })

  it('is unreachable behind a gateway that says so', async () => {
    const url = await answering((_req, res) => res.writeHead(503).end('down'))
    await expect(createClient({ url }).request(ViewerDocument, {})).rejects.toMatchObject({
      code: 'UNREACHABLE',
      status: 503,
    })
  })

  it('is unreachable when no answer comes in time', async () => {
    const url = await answering(() => {})
    await expect(createClient({ url, timeoutMs: 50 }).request(ViewerDocument, {})).rejects.toThrow(
      'did not answer within 0.05 seconds',
    )
  })
})

describe('a subscription', () => {
  it('throws when the token is not accepted', async () => {
    const stranger = createClient({ url: server.url, token: 'not-a-token' })
    await expect(stranger.subscribe(EventStreamDocument, {}).next()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  it('throws the server’s code when it is refused', async () => {
    await expect(client.subscribe(EventStreamDocument, { after: 'nonsense' }).next()).rejects.toMatchObject({
      code: 'INVALID_CURSOR',
    })
  })

  it('throws SignalboxUnreachable when nothing listens', async () => {
    const nowhere = createClient({ url: `http://127.0.0.1:${await freePort()}` })
    await expect(nowhere.subscribe(EventStreamDocument, {}).next()).rejects.toMatchObject({ code: 'UNREACHABLE' })
  })

  it('ends with CLIENT_CLOSED when its client is closed', async () => {
    const connected = Promise.withResolvers<void>()
    const next = client.subscribe(EventStreamDocument, {}, { onConnected: connected.resolve }).next()
    const ended = expect(next).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
    await connected.promise
    await client.close()
    await ended
  })

  it('ends with the signal’s reason', async () => {
    const controller = new AbortController()
    const onConnected = () => controller.abort(new Error('enough'))
    const next = client.subscribe(EventStreamDocument, {}, { signal: controller.signal, onConnected }).next()
    await expect(next).rejects.toThrow('enough')
  })
})

describe('an endpoint', () => {
  it.each([
    ['http://box:4000', 'http://box:4000/graphql', 'ws://box:4000/graphql'],
    ['https://box/', 'https://box/graphql', 'wss://box/graphql'],
    ['https://box/signal/', 'https://box/signal/graphql', 'wss://box/signal/graphql'],
    ['https://box/graphql', 'https://box/graphql', 'wss://box/graphql'],
  ])('of %s is found', (url, http, webSocket) => {
    expect(endpointOf(url)).toEqual({ http, webSocket })
  })

  it.each(['box:4000', 'ftp://box', ''])('of "%s" is refused', (url) => {
    expect(() => endpointOf(url)).toThrow('is not the address of a server')
  })
})
