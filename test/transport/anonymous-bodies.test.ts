import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, startTestServer, type TestDatabase, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

const mebibyte = 1024 * 1024
const env = {
  GITHUB_SECRET: 'a secret of the test',
  GITHUB_SECRET_NEXT: 'another secret of the test',
  GITLAB_SECRET: 'a secret that GitLab shows',
  STANDARD_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  PLAIN_SECRET: 'a plain secret of somebody',
  LOG_LEVEL: 'silent',
  TRUSTED_PROXIES: '127.0.0.0/8',
}
const configFile = join(import.meta.dirname, '../fixtures/hooks/signalbox.config.ts')
const heldBytes = 8 * mebibyte

let database: TestDatabase
let dataDir: string
let server: ServerProcess
let strict: TestServer
beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-bodies-'))
  server = await startServerProcess({
    dataDir,
    databaseUrl: database.url,
    env: { ...env, SIGNALBOX_CONFIG: configFile, ANONYMOUS_BODY_BYTES: String(heldBytes) },
  })
  strict = await startTestServer({ database, configFile, env: { ...env, ROLES: 'api', RATE_LIMIT_ADDRESS: '5' } })
})
afterAll(async () => {
  await strict.close()
  await server.end('SIGTERM')
  await rm(dataDir, { recursive: true })
  await database.drop()
})

const signatureOf = (body: string | Buffer) =>
  `sha256=${createHmac('sha256', env.GITHUB_SECRET).update(body).digest('hex')}`
const forged = { 'x-github-event': 'ping', 'x-hub-signature-256': signatureOf('something else') }

/** A request that is begun by hand, and what the server has said so far. */
interface Begun {
  readonly socket: Socket
  said(): string
  readonly isClosed: () => boolean
}

let address = 0
/** An address, and a network, that nobody has come from before. */
function elsewhere(): string {
  address += 1
  return `10.${Math.floor(address / 250)}.${address % 250}.1`
}

async function begin(url: string, path: string, headers: Record<string, string>, from = elsewhere()): Promise<Begun> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let text = ''
  let closed = false
  socket.on('data', (data) => {
    text += String(data)
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    closed = true
  })
  await once(socket, 'connect')
  const all = { host: 'localhost', 'x-forwarded-for': from, ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  return { socket, said: () => text, isClosed: () => closed }
}

const statusOf = ({ said }: Begun) => Number(/^HTTP\/1\.1 (\d+)/.exec(said())?.[1] ?? 0)

/** How much memory the server has, by its own account. */
async function residentBytes(): Promise<number> {
  const response = await fetch(`${server.url}/health`, { headers: { authorization: `Bearer ${server.token}` } })
  return ((await response.json()) as { resources: { memory: { rssBytes: number } } }).resources.memory.rssBytes
}

async function signedCall(url: string, hook: string, from: string, body = `{"n":${Math.random()}}`): Promise<number> {
  const response = await fetch(`${url}/hooks/${hook}`, {
    method: 'POST',
    body,
    headers: { 'x-forwarded-for': from, 'x-github-event': 'ping', 'x-hub-signature-256': signatureOf(body) },
  })
  return response.status
}

describe('bodies of callers who are not known', () => {
  it('that never end are held up to a bound, cut after a while, and keep nobody out for long', async () => {
    const before = await residentBytes()
    const endless = { ...forged, 'content-length': String(25 * mebibyte) }
    const calls: Begun[] = []
    const piece = Buffer.alloc(1.5 * mebibyte, 'x')
    for (let count = 0; count < 150; count += 1) {
      const call = await begin(server.url, '/hooks/large', endless)
      call.socket.write(piece)
      calls.push(call)
    }
    const held = heldBytes / piece.length
    await until(() => calls.filter(({ said }) => said() !== '').length >= calls.length - held)
    const refused = calls.filter((call) => statusOf(call) === 503)
    expect(refused.length).toBeGreaterThanOrEqual(calls.length - 2 * held)
    for (const { said } of refused) {
      expect(said()).toContain('"code":"UNAVAILABLE"')
      expect(said()).toMatch(/^retry-after: 5\r$/m)
    }
    // 225 MB have been sent.
    expect((await residentBytes()) - before).toBeLessThan(120 * mebibyte)
    await until(() => calls.every(({ isClosed }) => isClosed()))
    expect(calls.map(statusOf).every((status) => [408, 503].includes(status))).toBe(true)
    expect(calls.map(statusOf)).toContain(408)
    expect(await signedCall(server.url, 'large', elsewhere())).toBe(202)
  }, 60_000)

  it('of one address leave room for those of others', async () => {
    const from = elsewhere()
    const half = { ...forged, 'content-length': String(2 * mebibyte) }
    const calls = await Promise.all(Array.from({ length: 3 }, () => begin(server.url, '/hooks/large', half, from)))
    for (const { socket } of calls) socket.write(Buffer.alloc(mebibyte, 'x'))
    const refused = await until(() => calls.find((call) => statusOf(call) === 429))
    expect(refused.said()).toContain('"code":"RATE_LIMITED"')
    expect(refused.said()).toMatch(/^retry-after: 5\r$/m)
    expect(await signedCall(server.url, 'large', elsewhere(), `"${'y'.repeat(mebibyte)}"`)).toBe(202)
    for (const { socket } of calls) socket.destroy()
    expect(await until(async () => (await signedCall(server.url, 'large', from)) === 202)).toBe(true)
  })

  it('take no more memory than they have bytes, however small their chunks', async () => {
    const before = await residentBytes()
    const call = await begin(server.url, '/hooks/large', { ...forged, 'transfer-encoding': 'chunked' })
    call.socket.write('1\r\nx\r\n'.repeat(mebibyte))
    await until(() => call.socket.writableLength === 0)
    expect(await signedCall(server.url, 'large', elsewhere())).toBe(202)
    expect((await residentBytes()) - before).toBeLessThan(150 * mebibyte)
    call.socket.destroy()
  })

  it.each([
    ['/hooks/large', forged],
    ['/graphql', { 'content-type': 'application/json' }],
    ['/api/auth/admin/login', { 'content-type': 'application/json' }],
    ['/device', { 'content-type': 'application/x-www-form-urlencoded' }],
  ])('are not waited for long at %s', { concurrent: true, timeout: 30_000 }, async (path, headers) => {
    const call = await begin(server.url, path, { ...headers, 'content-length': '1000' })
    call.socket.write('{"a":')
    await until(call.isClosed)
    expect(statusOf(call)).toBe(408)
  })

  it('are small where little is needed', async () => {
    const body = JSON.stringify({ email: 'a@example.com', password: 'x'.repeat(16 * 1024) })
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': elsewhere() }
    const response = await fetch(`${server.url}/api/auth/admin/login`, { method: 'POST', headers, body })
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([413, 'TOO_LARGE'])
  })
})

describe('a call of a hook', () => {
  it('from an address that has no requests left is refused before its body is sent', async () => {
    const from = elsewhere()
    for (let count = 0; count < 5; count += 1) {
      const call = await begin(strict.url, '/hooks/gitlab', { 'content-length': '0' }, from)
      expect(await until(() => statusOf(call) !== 0 && statusOf(call))).toBe(401)
    }
    const large = await begin(strict.url, '/hooks/large', { ...forged, 'content-length': '100000' }, from)
    expect(await until(() => statusOf(large) !== 0 && statusOf(large))).toBe(429)
    expect(await signedCall(strict.url, 'large', from)).toBe(202)
  })

  it('that shows no proof, or a wrong one, is refused before its body is sent', async () => {
    for (const [path, headers] of [
      ['/hooks/large', {}],
      ['/hooks/standard', { 'webhook-id': 'x' }],
      ['/hooks/gitlab', { 'x-gitlab-token': 'wrong' }],
      ['/hooks/plain', {}],
    ] as const) {
      const call = await begin(strict.url, path, { ...headers, 'content-length': '100' })
      expect(await until(() => statusOf(call) !== 0 && statusOf(call))).toBe(401)
    }
  })

  it('that is signed takes nothing from its address', async () => {
    const from = elsewhere()
    for (let count = 0; count < 20; count += 1) expect(await signedCall(strict.url, 'large', from)).toBe(202)
    expect((await fetch(`${strict.url}/api/ping`, { headers: { 'x-forwarded-for': from } })).status).toBe(200)
  })
})
