import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { normalUserCode } from '#domain/access/sign-in/device-code.ts'
import { toldEvents } from '#test/support/events.ts'
import { graphql } from '#test/support/graphql.ts'
import { addPerson, anonymously, type SignedIn, signIn } from '#test/support/people.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken } from '#test/support/tokens.ts'

let server: TestServer
let neighbour: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
  neighbour = await startTestServer({ database: server.database, env: { LOG_LEVEL: 'silent', ROLES: 'api' } })
})
afterAll(async () => {
  await neighbour.close()
  await server.close()
})

interface Begun {
  readonly deviceCode: string
  readonly userCode: string
  readonly verificationUri: string
  readonly expiresAt: string
  readonly intervalMs: number
  readonly code?: string
}

function begin(input: object = {}): Promise<Begun> {
  const fields = 'deviceCode userCode verificationUri expiresAt intervalMs'
  return anonymously(server, 'beginDeviceSignIn', { clientName: 'a test', ...input }, fields, 'a device')
}

/** What the device is answered, as if it had waited long enough. */
async function ask({ deviceCode }: Begun, at = server): Promise<SignedIn> {
  await server.database.query("UPDATE device_sign_in SET asked_at = asked_at - interval '1 minute'")
  return askAtOnce(deviceCode, at)
}

function askAtOnce(deviceCode: string, at = server): Promise<SignedIn> {
  return anonymously(at, 'finishDeviceSignIn', { deviceCode }, 'accessToken refreshToken userId')
}

/** What a decision is answered: nothing, or a code. */
async function decide(name: 'approveDevice' | 'denyDevice', token: string, userCode: string, at = server) {
  const type = name === 'approveDevice' ? 'ApproveDeviceInput' : 'DenyDeviceInput'
  const query = `mutation($input: ${type}!) { outcome: ${name}(input: $input) { ... on Failure { code } } }`
  const { data, errors } = await graphql<{ outcome: { code?: string } }>(at, query, { input: { userCode } }, token)
  return data?.outcome.code ?? errors?.[0]?.extensions?.['code']
}

const look = `query($userCode: String!) { deviceSignIn(userCode: $userCode) { clientName address userAgent scopes } }`

async function find(token: string, userCode: string) {
  const { data, errors } = await graphql<{ deviceSignIn: object | null }>(server, look, { userCode }, token)
  return errors?.[0]?.extensions?.['code'] ?? data?.deviceSignIn
}

async function viewer(token: string): Promise<{ name: string; scopes: string[] } | undefined> {
  const query = '{ viewer { name scopes } }'
  return (await graphql<{ viewer: { name: string; scopes: string[] } }>(server, query, {}, token)).data?.viewer
}

describe('a user code', () => {
  it.each([
    ['wdjb-mjht', 'WDJB-MJHT'],
    [' WDJB MJHT ', 'WDJB-MJHT'],
    ['wdjbmjht', 'WDJB-MJHT'],
    ['WDJB-MJH', undefined],
    ['ADJB-MJHT', undefined],
    ['W0JB-MJHT', undefined],
    ['', undefined],
  ])('%j is %j', (typed, code) => {
    expect(normalUserCode(typed)).toBe(code)
  })
})

describe('a device', () => {
  it('is signed in by who approves it, on whichever process', async () => {
    const begun = await begin({ scopes: ['tasks:read'] })
    expect(begun.userCode).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    expect(begun.verificationUri).toBe('/device')
    expect(await ask(begun)).toMatchObject({ code: 'AUTHORIZATION_PENDING' })
    const email = await addPerson(server)
    const { accessToken } = await signIn(server, email)
    expect(await find(accessToken, begun.userCode.toLowerCase())).toEqual({
      clientName: 'a test',
      address: expect.stringContaining('127.0.0.1'),
      userAgent: 'a device',
      scopes: ['tasks:read'],
    })
    expect(await decide('approveDevice', accessToken, begun.userCode, neighbour)).toBeUndefined()
    const signedIn = await ask(begun, neighbour)
    expect(await viewer(signedIn.accessToken)).toEqual({ name: email, scopes: ['tasks:read'] })
    expect(await ask(begun)).toMatchObject({ code: 'EXPIRED_TOKEN' })
    const types = ['auth.device_approved', 'auth.signed_in']
    const events = await toldEvents(server, types, ({ actor }) => actor.id === signedIn.userId, 3)
    expect(events.map(({ type, data }) => [type, data['method'] ?? data['client']])).toEqual([
      ['auth.signed_in', 'password'],
      ['auth.device_approved', 'a test'],
      ['auth.signed_in', 'device'],
    ])
    expect(JSON.stringify(events)).not.toContain(begun.userCode)
  })

  it('keeps nothing that its codes could be read from', async () => {
    const { deviceCode, userCode } = await begin()
    const rows = JSON.stringify(await server.database.query('SELECT * FROM device_sign_in'))
    expect(rows).not.toContain(deviceCode)
    expect(rows).not.toContain(userCode)
  })

  it('gets all scopes of the person by default, limited by a narrowed session', async () => {
    const email = await addPerson(server)
    const [whole, narrow] = [await signIn(server, email), await signIn(server, email, ['events:read'])]
    const [first, second] = [await begin(), await begin()]
    await decide('approveDevice', whole.accessToken, first.userCode)
    await decide('approveDevice', narrow.accessToken, second.userCode)
    const all = await viewer(whole.accessToken)
    expect(await viewer((await ask(first)).accessToken)).toEqual(all)
    expect((await viewer((await ask(second)).accessToken))?.scopes).toEqual(['events:read'])
  })

  it('is refused what the person may not do', async () => {
    const begun = await begin({ scopes: ['access:admin'] })
    const { accessToken } = await signIn(server, await addPerson(server))
    expect(await decide('approveDevice', accessToken, begun.userCode)).toBe('SCOPE_NOT_HELD')
    expect(await ask(begun)).toMatchObject({ code: 'AUTHORIZATION_PENDING' })
  })

  it('learns once that it was refused', async () => {
    const begun = await begin()
    const { accessToken } = await signIn(server, await addPerson(server))
    expect(await decide('denyDevice', accessToken, begun.userCode)).toBeUndefined()
    expect(await decide('approveDevice', accessToken, begun.userCode)).toBe('NOT_FOUND')
    expect(await ask(begun)).toMatchObject({ code: 'ACCESS_DENIED' })
    expect(await ask(begun)).toMatchObject({ code: 'EXPIRED_TOKEN' })
  })

  it('has to slow down when it asks too often, on every process', async () => {
    const { deviceCode, intervalMs } = await begin()
    expect(await askAtOnce(deviceCode)).toMatchObject({ code: 'AUTHORIZATION_PENDING' })
    expect(await askAtOnce(deviceCode, neighbour)).toEqual({
      code: 'SLOW_DOWN',
      message: `Polled too often: wait ${(intervalMs + 5_000) / 1000} seconds between requests.`,
    })
  })

  it('waits ten minutes and no longer', async () => {
    const begun = await begin()
    expect(Date.parse(begun.expiresAt) - Date.now()).toBeLessThanOrEqual(600_000)
    await server.database.query('UPDATE device_sign_in SET expires_at = now()')
    const { accessToken } = await signIn(server, await addPerson(server))
    expect(await find(accessToken, begun.userCode)).toBeNull()
    expect(await decide('approveDevice', accessToken, begun.userCode)).toBe('NOT_FOUND')
    expect(await ask(begun)).toMatchObject({ code: 'EXPIRED_TOKEN' })
  })

  it('is signed in once when it asks twice at the same time', async () => {
    const begun = await begin()
    const { accessToken } = await signIn(server, await addPerson(server))
    await decide('approveDevice', accessToken, begun.userCode)
    const answers = await Promise.all([askAtOnce(begun.deviceCode), askAtOnce(begun.deviceCode, neighbour)])
    expect(answers.map(({ code }) => code).sort()).toEqual(['EXPIRED_TOKEN', undefined])
  })

  it('does not become somebody who was removed or demoted meanwhile', async () => {
    await addPerson(server, 'OWNER')
    const email = await addPerson(server, 'OWNER')
    const { accessToken } = await signIn(server, email)
    const [one, other] = [await begin({ scopes: ['access:admin'] }), await begin()]
    for (const { userCode } of [one, other]) await decide('approveDevice', accessToken, userCode)
    const change = 'mutation($who: String!) { updateUser(input: { who: $who, role: MEMBER }) { __typename } }'
    await graphql(server, change, { who: email })
    expect(await ask(one)).toMatchObject({ code: 'ACCESS_DENIED' })
    await graphql(server, 'mutation($who: String!) { removeUser(input: { who: $who }) { __typename } }', { who: email })
    expect(await ask(other)).toMatchObject({ code: 'ACCESS_DENIED' })
  })

  it('is none of a program’s business', async () => {
    const { userCode } = await begin()
    expect(await find(server.token, userCode)).toBe('FORBIDDEN')
    expect(await decide('approveDevice', (await addToken(server)).token, userCode)).toBe('FORBIDDEN')
  })

  it.each([{ clientName: ' ' }, { clientName: 'x'.repeat(101) }, { scopes: ['nonsense'] }])(
    'is not %j',
    async (input) => {
      expect(await begin(input)).toMatchObject({ code: 'INVALID_INPUT' })
    },
  )

  it.each(['', 'sbd_', 'x'.repeat(10_000)])('has no code %j', async (deviceCode) => {
    expect(await askAtOnce(deviceCode)).toMatchObject({ code: 'EXPIRED_TOKEN' })
  })
})

describe('who tries codes', () => {
  it('is stopped after ten wrong ones, the right one included', async () => {
    const { userCode } = await begin()
    const { accessToken } = await signIn(server, await addPerson(server))
    for (let count = 0; count < 10; count += 1) expect(await find(accessToken, 'BBBB-BBBB')).toBeNull()
    expect(await find(accessToken, userCode)).toBe('RATE_LIMITED')
    expect(await decide('approveDevice', accessToken, userCode, neighbour)).toBe('RATE_LIMITED')
    const other = await signIn(server, await addPerson(server))
    expect(await find(other.accessToken, userCode)).toMatchObject({ clientName: 'a test' })
  })
})

describe('devices without end', () => {
  /** A thousand that wait, from a few networks. */
  async function flood(): Promise<void> {
    await server.database.query('DELETE FROM device_sign_in')
    await server.database.query(
      `INSERT INTO device_sign_in
         (id, device_hash, user_hash, client_name, scopes, address, network, created_at, expires_at, interval_ms)
       SELECT gen_random_uuid(), md5('d' || n)::bytea, md5('u' || n)::bytea, 'many', '{}', '192.0.2.1',
         '192.0.' || n % 17 || '.0/24', now() + n * interval '1 ms', now() + interval '9 minutes', 3000
       FROM generate_series(1, 1000) AS n`,
    )
  }

  it('are stopped by their address', async () => {
    await server.database.query('DELETE FROM rate_limit')
    const begun = await Promise.all(Array.from({ length: 60 }, () => begin()))
    expect(begun.filter(({ code }) => code === undefined)).toHaveLength(60)
    expect(await begin()).toMatchObject({ code: 'RATE_LIMITED' })
  })

  it('give way to those of others, which wait as long as they need', async () => {
    await server.database.query('DELETE FROM rate_limit')
    await flood()
    const first = await begin()
    expect(first.code).toBeUndefined()
    const begun = await Promise.all(Array.from({ length: 20 }, () => begin()))
    expect(begun.filter(({ code }) => code === undefined)).toHaveLength(20)
    const [waiting] = await server.database.query<{ many: number; ours: number }>(
      `SELECT count(*) FILTER (WHERE client_name = 'many')::int AS many,
         count(*) FILTER (WHERE client_name <> 'many')::int AS ours FROM device_sign_in`,
    )
    expect(waiting?.ours).toBe(21)
    // Those that begin at the same moment don't see each other.
    expect(waiting?.many).toBeLessThanOrEqual(999)
    const oldest = await server.database.query("SELECT FROM device_sign_in WHERE user_hash = md5('u1')::bytea")
    expect(oldest).toEqual([])
    const { accessToken } = await signIn(server, await addPerson(server))
    expect(await find(accessToken, first.userCode)).toMatchObject({ clientName: 'a test' })
  })

  it('give way to no device that was approved, however many come', async () => {
    await server.database.query('DELETE FROM rate_limit')
    const approved = await begin()
    const { accessToken } = await signIn(server, await addPerson(server))
    expect(await decide('approveDevice', accessToken, approved.userCode)).toBeUndefined()
    await server.database.query(
      `INSERT INTO device_sign_in
         (id, device_hash, user_hash, client_name, scopes, address, network, expires_at, interval_ms)
       SELECT gen_random_uuid(), md5('e' || n)::bytea, md5('v' || n)::bytea, 'many', '{}', '127.0.0.1',
         '127.0.0.0/24', now() + interval '9 minutes', 3000
       FROM generate_series(1, 1000) AS n`,
    )
    expect((await begin()).code).toBeUndefined()
    expect(await ask(approved)).toHaveProperty('accessToken')
  })
})
