import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import { addPerson, password } from '#test/support/people.ts'
import { createTestDatabase, startTestServer, type TestDatabase, type TestServer } from '#test/support/server.ts'

const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === 'IPv6'))

let database: TestDatabase
let server: TestServer
beforeAll(async () => {
  database = await createTestDatabase()
  server = await startTestServer({
    database,
    env: { LOG_LEVEL: 'silent', RATE_LIMIT_ADDRESS: '5', TRUSTED_PROXIES: '127.0.0.1' },
  })
})
afterAll(async () => {
  await server.close()
  await database.drop()
})

/** An anonymous request that counts, as a proxy passes it on. */
async function ping(address: string, base = server.url): Promise<number> {
  return (await fetch(`${base}/api/ping`, { headers: { 'x-forwarded-for': address } })).status
}

describe('an IPv4 address that is written as IPv6', () => {
  const spellings = ['203.0.113.1', '::ffff:203.0.113.1', '::ffff:cb00:7101', '0:0:0:0:0:FFFF:203.0.113.1']

  it('counts as the same address, and not as its neighbours', async () => {
    for (const address of [...spellings, '::ffff:203.0.113.1']) expect(await ping(address)).toBe(200)
    for (const address of spellings) expect(await ping(address)).toBe(429)
    for (const address of ['::ffff:203.0.113.2', '::1', '64:ff9b::203.0.113.3']) expect(await ping(address)).toBe(200)
  })

  it('is IPv4 to all who read where a request came from', async () => {
    const email = await addPerson(server)
    const { origin } = new URL(server.url)
    const from = { 'x-forwarded-for': '::ffff:203.0.113.9', 'content-type': 'application/json' }
    const body = JSON.stringify({ email, password })
    const signIn = await fetch(`${origin}/api/auth/admin/login`, { method: 'POST', headers: from, body })
    expect(signIn.status).toBe(200)
    const { sessions } = await graphqlData<{ sessions: { nodes: { address: string }[] } }>(
      server,
      'query ($who: String!) { sessions(who: $who) { nodes { address } } }',
      { who: email },
    )
    expect(sessions.nodes).toEqual([{ address: '203.0.113.9' }])
    const [event] = await database.query<{ address: string }>(
      `SELECT origin->>'address' AS address FROM journal WHERE type = 'auth.signed_in'`,
    )
    expect(event).toEqual({ address: '203.0.113.9' })
  })
})

describe('a client behind a proxy', () => {
  /** The same client, as proxies write it; nothing of it is another client's. */
  const spellings: Readonly<Record<string, readonly (readonly [name: string, value: string])[]>> = {
    '198.51.100.40': [
      ['x-forwarded-for', '198.51.100.40:50123'],
      ['x-forwarded-for', '"198.51.100.40"'],
      ['x-forwarded-for', '"198.51.100.40:50123"'],
      ['x-forwarded-for', '203.0.113.77, 198.51.100.40:1'],
      ['x-forwarded-for', '198.51.100.40:50123, 127.0.0.1:8080'],
      ['forwarded', 'for=198.51.100.40;proto=http;by=203.0.113.43'],
      ['forwarded', 'proto=http; For="198.51.100.40:4711"'],
      ['forwarded', 'for=203.0.113.77, for=198.51.100.40'],
      // A quote that a client opens does not hide what its proxy appends.
      ['forwarded', 'for=203.0.113.77;by=", for="198.51.100.40:1"'],
    ],
    '2001:db8::7': [
      ['x-forwarded-for', '2001:db8::7'],
      ['x-forwarded-for', '[2001:db8::7]'],
      ['x-forwarded-for', '[2001:db8:0::7]:443'],
      ['x-forwarded-for', '"[2001:DB8::7]:443"'],
      ['forwarded', 'for="[2001:db8::7]:4711"'],
      ['forwarded', 'for="[2001:db8::7]";proto=https, for=127.0.0.1'],
    ],
  }

  it.each(Object.entries(spellings))('is %s in each spelling, to limits and to the audit log', async (address, all) => {
    const email = await addPerson(server)
    const body = JSON.stringify({ email, password })
    const seen: (string | undefined)[] = []
    for (const [name, value] of all) {
      const headers = { [name]: value, 'content-type': 'application/json' }
      const { status } = await fetch(`${server.url}/api/auth/admin/login`, { method: 'POST', headers, body })
      const [last] = await database.query<{ address: string }>(
        `SELECT origin->>'address' AS address FROM journal WHERE type = 'auth.signed_in' ORDER BY at DESC, seq DESC LIMIT 1`,
      )
      // Five requests of an address are let through, whatever they are written like.
      seen.push(status === 429 ? undefined : last?.address)
    }
    expect(seen).toEqual(all.map((_, index) => (index < 5 ? address : undefined)))
  })

  it('is named by several headers as by one', async () => {
    const lines = ['203.0.113.78', '198.51.100.41:1', '127.0.0.1']
    const statuses = []
    for (let count = 0; count < 6; count += 1) statuses.push(await rawPing(lines))
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429])
    expect(await ping('198.51.100.41')).toBe(429)
    expect(await ping('203.0.113.78')).toBe(200)
  })

  it('that no proxy names counts as the nearest that is named', async () => {
    for (const hidden of ['unknown', '_hidden', 'for=unknown', '198.51.100.300', '[::1', '']) {
      expect(await ping(`${hidden}, 198.51.100.42`)).not.toBe(500)
    }
    expect(await ping('198.51.100.42')).toBe(429)
  })
})

/** An anonymous request with several lines of the header. */
async function rawPing(lines: readonly string[]): Promise<number> {
  const { hostname, port } = new URL(server.url)
  const asked = request({ hostname, port, path: '/api/ping', headers: { 'x-forwarded-for': [...lines] } }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode ?? 0
}

describe.skipIf(!hasIPv6)('a server that listens on IPv6 and IPv4', () => {
  it('tells clients of both apart, and trusts its proxies by their IPv4 addresses', async () => {
    const both = await startTestServer({
      database,
      env: { HOST: '::', ROLES: 'api', LOG_LEVEL: 'silent', RATE_LIMIT_ADDRESS: '5', TRUSTED_PROXIES: '127.0.0.1' },
    })
    const [overIPv4, overIPv6] = ['127.0.0.1', '[::1]'].map((host) => both.url.replace('[::]', host))
    for (let count = 0; count < 5; count += 1) expect(await ping('198.51.100.1', overIPv4)).toBe(200)
    expect(await ping('198.51.100.1', overIPv4)).toBe(429)
    expect(await ping('198.51.100.2', overIPv4)).toBe(200)
    for (let count = 0; count < 5; count += 1) expect((await fetch(`${overIPv4}/api/ping`)).status).toBe(200)
    expect((await fetch(`${overIPv4}/api/ping`)).status).toBe(429)
    // Its address is not that of a proxy, so the header is ignored.
    expect(await ping('198.51.100.1', overIPv6)).toBe(200)
    await both.close()
  })
})
