import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto'
import { request } from 'node:http'
import { importJWK, type JWK, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SecretBox } from '#platform/secrets/secret-box.ts'
import { addPerson, signIn } from '#test/support/people.ts'
import { secretKey, startTestServer, type TestServer } from '#test/support/server.ts'

let server: TestServer
let foreign: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
  foreign = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
})
afterAll(async () => {
  await foreign.close()
  await server.close()
})

interface Key {
  readonly id: string
  readonly publicKey: JWK
  readonly privateKey: JWK
}

/** The key that the server signs with, as only its own database and secret key give it. */
async function signingKey(): Promise<Key> {
  const text = 'SELECT id, public_key AS "publicKey", private_key AS sealed FROM signing_key'
  const [row] = await server.database.query<{ id: string; publicKey: JWK; sealed: string }>(text)
  const box = new SecretBox(Buffer.from(secretKey, 'base64'))
  return {
    id: row?.id ?? '',
    publicKey: row?.publicKey ?? {},
    privateKey: JSON.parse(await box.open(row?.sealed ?? '')) as JWK,
  }
}

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as JWTPayload & { sid: string }

/** The token with other claims, signed as rightly as the server does. */
async function resigned(token: string, changes: object, header: object = {}): Promise<string> {
  const { id, privateKey } = await signingKey()
  const claims = Object.entries({ ...claimsOf(token), ...changes }).filter(([, value]) => value !== undefined)
  return new SignJWT(Object.fromEntries(claims))
    .setProtectedHeader({ alg: 'EdDSA', kid: id, typ: 'at+jwt', ...header })
    .sign(await importJWK(privateKey, 'EdDSA'))
}

/** The status for these headers, each of which may stand there more than once. */
function statusFor(headers: readonly string[], path = '/api/ping', method = 'GET', at = server): Promise<number> {
  const sent = request(`${at.url}${path}`, { method, headers: ['host', new URL(at.url).host, ...headers] })
  return new Promise((resolve, reject) => {
    sent.on('error', reject).on('response', (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.end()
  })
}

const tried = (token: string) => statusFor(['authorization', `Bearer ${token}`], '/api/tasks')
const now = () => Math.floor(Date.now() / 1000)

describe('an access token that was signed by us', () => {
  it('is accepted as it is', async () => {
    const { accessToken } = await signIn(server, await addPerson(server))
    expect(await tried(await resigned(accessToken, {}))).toBe(200)
  })

  it.each([
    ['has expired', () => ({ exp: now() - 10 })],
    ['never expires', () => ({ exp: undefined })],
    ['is from the future', () => ({ iat: now() + 600, exp: now() + 3_600 })],
    ['is not valid yet', () => ({ nbf: now() + 600 })],
    ['is older than any of ours, whatever it says of its end', () => ({ iat: now() - 7_200, exp: now() + 3_600 })],
    ['is for another audience', () => ({ aud: 'another' })],
    ['is for nobody', () => ({ aud: undefined })],
    ['is of another issuer', () => ({ iss: 'https://other.example' })],
    ['names no session', () => ({ sid: undefined })],
    ['names a session that is none', () => ({ sid: '019ab000-0000-7000-8000-000000000000' })],
    ['names what no session can be called', () => ({ sid: "' OR 1 = 1" })],
    ['names another person', () => ({ sub: '019ab000-0000-7000-8000-000000000000' })],
    ['names nobody', () => ({ sub: undefined })],
  ])('is not accepted when it %s', async (_what, changes) => {
    const { accessToken } = await signIn(server, await addPerson(server))
    expect(await tried(await resigned(accessToken, changes()))).toBe(401)
  })

  it('is not accepted for what it was not made for', async () => {
    const { accessToken } = await signIn(server, await addPerson(server))
    expect(await tried(await resigned(accessToken, {}, { typ: 'JWT' }))).toBe(401)
  })

  it('does not let one person use the session of another', async () => {
    const [one, other] = [await signIn(server, await addPerson(server)), await signIn(server, await addPerson(server))]
    const { sid } = claimsOf(other.accessToken)
    expect(await tried(await resigned(one.accessToken, { sid }))).toBe(401)
  })
})

describe('an access token', () => {
  it('is not accepted when the public key has served as a shared secret', async () => {
    const { id, publicKey } = await signingKey()
    const { accessToken } = await signIn(server, await addPerson(server))
    const pem = createPublicKey({ key: publicKey as JsonWebKey, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: id, typ: 'at+jwt' })).toString('base64url')
    const text = `${header}.${accessToken.split('.')[1]}`
    expect(await tried(`${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`)).toBe(401)
  })

  it('is accepted by the installation that gave it out, and by no other', async () => {
    const { accessToken } = await signIn(foreign, await addPerson(foreign))
    expect(await statusFor(['authorization', `Bearer ${accessToken}`], '/api/tasks', 'GET', foreign)).toBe(200)
    expect(await tried(accessToken)).toBe(401)
  })

  it.each(['', '.', '..', 'a.b.c', 'eyJ.eyJ.x', `eyJ${'A'.repeat(5_000)}.e30.AA`, 'sbx_', 'Bearer', '%00', 'null'])(
    'is not %j',
    async (token) => {
      expect(await tried(token)).toBe(401)
    },
  )
})

describe('two tokens at once', () => {
  it.each([
    ['in two headers', (token: string) => ['authorization', `Bearer ${token}`, 'authorization', 'Bearer other']],
    [
      'in two headers, the wrong one first',
      (token) => ['authorization', 'Bearer other', 'authorization', `Bearer ${token}`],
    ],
    ['in one header', (token) => ['authorization', `Bearer ${token}, Bearer ${token}`]],
    ['with two schemes', (token) => ['authorization', `Basic eDp4, Bearer ${token}`]],
    ['glued together', (token) => ['authorization', `Bearer ${token}${token}`]],
    ['of which one stands in the address', () => []],
  ] as [string, (token: string) => string[]][])('%s are never more than the first one', async (what, headers) => {
    const path = what.includes('address') ? `/api/tasks?access_token=${server.token}` : '/api/tasks'
    // Node takes the first of two such headers (RFC 9110 §5.3 allows only one).
    const isFirst = what === 'in two headers'
    expect(await statusFor(headers(server.token), path)).toBe(isFirst ? 200 : 401)
  })
})
