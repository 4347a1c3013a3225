import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { addPerson, password } from '#test/support/people.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

let server: TestServer
beforeAll(async () => {
  const env = { LOG_LEVEL: 'silent', TRUSTED_PROXIES: '127.0.0.0/8', RATE_LIMIT_ADDRESS: '0', COST_LIMIT_ADDRESS: '0' }
  server = await startTestServer({ env })
})
afterAll(() => server.close())
beforeEach(() => server.database.query('DELETE FROM rate_limit'))

interface Answer {
  readonly access_token: string
  readonly refresh_token: string
  readonly code?: string
}

async function post(path: string, body: object, from: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': from }
  const response = await fetch(`${server.url}/api${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return (await response.json()) as Answer
}

const signIn = (email: string, secret: string, from: string) =>
  post('/auth/admin/login', { email, password: secret }, from)
const codeOf = async (email: string, secret: string, from: string) => (await signIn(email, secret, from)).code

/** Tries wrong passwords so many times, and resolves with the different codes, sorted. */
async function guess(email: string, from: string, times: number): Promise<(string | undefined)[]> {
  const codes = await Promise.all(Array.from({ length: times }, () => codeOf(email, 'not the password', from)))
  return [...new Set(codes)].sort()
}

describe('a person whose password is guessed from many places', () => {
  /** Uses up what all strange places have together; no place alone can. */
  async function besiege(email: string) {
    for (let place = 1; place <= 4; place += 1)
      expect(await guess(email, `198.51.100.${place}`, 12)).toEqual(['RATE_LIMITED', 'UNAUTHENTICATED'])
  }

  it('still signs in from where they have before, and from nowhere else', async () => {
    const email = await addPerson(server)
    expect(await codeOf(email, password, '203.0.113.1')).toBeUndefined()
    await besiege(email)
    expect(await codeOf(email, password, '198.51.100.9')).toBe('RATE_LIMITED')
    for (let times = 0; times < 12; times += 1) expect(await codeOf(email, password, '203.0.113.1')).toBeUndefined()
    const other = await addPerson(server)
    expect(await codeOf(other, password, '198.51.100.9')).toBeUndefined()
  })

  it('is known where they have refreshed what they were signed in with, too', async () => {
    const email = await addPerson(server)
    const { refresh_token } = await signIn(email, password, '203.0.113.2')
    expect(await post('/auth/refresh', { refresh_token }, '203.0.113.3')).toMatchObject({ success: true })
    await besiege(email)
    expect(await codeOf(email, password, '203.0.113.3')).toBeUndefined()
  })

  it('is a stranger again where they have not been for ninety days', async () => {
    const email = await addPerson(server)
    await signIn(email, password, '203.0.113.4')
    await server.database.query("UPDATE sign_in_place SET used_at = now() - interval '91 days'")
    await besiege(email)
    expect(await codeOf(email, password, '203.0.113.4')).toBe('RATE_LIMITED')
  })

  it('signs in anywhere again once somebody has given them another password', async () => {
    const email = await addPerson(server)
    await besiege(email)
    expect(await codeOf(email, password, '198.51.100.9')).toBe('RATE_LIMITED')
    const query = `mutation($email: String!) { setPassword(input: { who: $email, password: "another ${password}" }) { __typename } }`
    await graphqlData(server, query, { email })
    expect(await codeOf(email, `another ${password}`, '198.51.100.9')).toBeUndefined()
  })

  it('may still change their own password while others guess it', async () => {
    const email = await addPerson(server)
    const { access_token } = await signIn(email, password, '203.0.113.5')
    await besiege(email)
    await guess(email, '203.0.113.5', 10)
    const query = `mutation($email: String!, $password: String!) {
      setPassword(input: { who: $email, password: "another ${password}", presentPassword: $password }) { __typename } }`
    const change = async (presentPassword: string) =>
      (await graphql<Record<string, object>>(server, query, { email, password: presentPassword }, access_token)).data
    for (let times = 0; times < 9; times += 1)
      expect(await change('wrong')).toEqual({ setPassword: { __typename: 'WrongPassword' } })
    expect(await change(password)).toEqual({ setPassword: { __typename: 'SetPasswordPayload' } })
  })

  it('can’t be told from others by anything', async () => {
    for (const email of [await addPerson(server), 'nobody@example.com', `${'x'.repeat(240)}@example.com`]) {
      await server.database.query('DELETE FROM rate_limit')
      await besiege(email)
      expect(await codeOf(email, 'not the password', '198.51.100.9')).toBe('RATE_LIMITED')
    }
  })
})

describe('a place', () => {
  it('is all of an IPv6 network of 64 bits', async () => {
    const email = await addPerson(server)
    for (let host = 1; host <= 10; host += 1)
      expect(await codeOf(email, 'not the password', `2001:db8:0:1::${host}`)).toBe('UNAUTHENTICATED')
    expect(await codeOf(email, password, '2001:db8:0:1:ffff::1')).toBe('RATE_LIMITED')
    expect(await codeOf(email, password, '2001:db8:0:2::1')).toBeUndefined()
    expect(await codeOf(email, password, '2001:db8:0:2:ffff::1')).toBeUndefined()
    const rows = await server.database.query('SELECT * FROM sign_in_place')
    expect(JSON.stringify(rows)).not.toContain('2001:db8')
  })

  it('where others guess is closed to strangers, and not to those who sign in there', async () => {
    const [regular, newcomer] = [await addPerson(server), await addPerson(server)]
    await signIn(regular, password, '192.0.2.1')
    for (let victim = 0; victim < 5; victim += 1) await guess(`victim-${victim}@example.com`, '192.0.2.1', 10)
    expect(await codeOf(newcomer, password, '192.0.2.1')).toBe('RATE_LIMITED')
    expect(await codeOf(regular, password, '192.0.2.1')).toBeUndefined()
    expect(await guess(regular, '192.0.2.1', 11)).toEqual(['RATE_LIMITED', 'UNAUTHENTICATED'])
    expect(await codeOf(regular, password, '192.0.2.1')).toBe('RATE_LIMITED')
  })
})
