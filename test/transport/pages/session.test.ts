import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { addPerson, password } from '#test/support/people.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { openSocket } from '#test/support/websocket.ts'
import { SessionCookies } from '#transport/session-cookies.ts'

let server: TestServer
let other: TestServer
beforeAll(async () => {
  ;[server, other] = await Promise.all([sharedServer(), sharedServer()])
})
afterAll(() => Promise.all([server.close(), other.close()]))

const json = { 'content-type': 'application/json' }

/** Asks `/session` as a page of the server does, or of the given origin. */
function ask(method: string, options: { cookie?: string; body?: object; origin?: string; query?: string } = {}) {
  const { cookie, body, origin = server.url, query = '' } = options
  return fetch(`${server.url}/session${query}`, {
    method,
    headers: { origin, ...json, ...(cookie !== undefined && { cookie }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

/** The cookie that a sign-in has set, as it is sent back, and everything that was said of it. */
async function signIn(body: object): Promise<{ cookie: string; attributes: string }> {
  const response = await ask('POST', { body })
  expect(response.status).toBe(201)
  const [set = ''] = response.headers.getSetCookie()
  const [cookie = '', ...attributes] = set.split('; ')
  return { cookie, attributes: attributes.join('; ') }
}

async function viewerBy(cookie: string, options: { origin?: string; path?: string } = {}) {
  const { origin = server.url, path = '/graphql' } = options
  const body = JSON.stringify({ query: '{ viewer { name account { id } } }' })
  const response = await fetch(`${server.url}${path}`, { method: 'POST', headers: { cookie, origin, ...json }, body })
  return { status: response.status, ...((await response.json()) as { data?: { viewer: object }; errors?: object[] }) }
}

/** How a WebSocket with this cookie is answered that shows no token. */
async function connect(cookie: string, origin: string): Promise<string> {
  const socket = await openSocket(server, { headers: { cookie, origin } })
  socket.send({ type: 'connection_init' })
  const answer = await Promise.race([
    socket.next().then(({ type }) => type),
    socket.closed.then(({ code }) => `${code}`),
  ])
  await socket.close()
  return answer
}

describe('a browser', () => {
  it('signs in by password, acts as that person, and signs out', async () => {
    const email = await addPerson(server)
    const { cookie, attributes } = await signIn({ email, password })
    expect(cookie).toMatch(new RegExp(`^signalbox-${server.accountId}=sbb_[\\w-]{43}$`))
    expect(attributes).toMatch(/^Path=\/; Expires=.* GMT; HttpOnly; SameSite=Lax$/)
    expect(await viewerBy(cookie)).toMatchObject({ status: 200, data: { viewer: { name: email } } })

    const shown = await (await ask('GET', { cookie })).json()
    expect(shown).toMatchObject({
      instance: { hasProvider: false },
      sessions: [{ kind: 'user', name: email, role: 'MEMBER', account: { id: server.accountId } }],
    })
    const out = await ask('DELETE', { cookie })
    expect([out.status, out.headers.getSetCookie()[0]]).toEqual([204, expect.stringMatching(/=; Max-Age=0; /)])
    expect(await viewerBy(cookie)).toMatchObject({ status: 401 })
    const afterwards = await ask('GET', { cookie })
    expect(await afterwards.json()).toMatchObject({ sessions: [] })
    expect(afterwards.headers.getSetCookie()).toHaveLength(1)
  })

  it('signs in with an application token, which stays valid when it signs out', async () => {
    const { cookie } = await signIn({ token: server.token })
    expect(cookie).not.toContain(server.token)
    expect(await viewerBy(cookie)).toMatchObject({ data: { viewer: { account: { id: server.accountId } } } })
    expect((await ask('DELETE', { cookie })).status).toBe(204)
    expect(await viewerBy(cookie)).toMatchObject({ status: 401 })
    expect(await graphql(server, '{ viewer { id } }')).not.toHaveProperty('errors')
    const query = '{ auditEntries(first: 10, where: { types: ["auth.*"] }) { nodes { type } } }'
    type Audit = { auditEntries: { nodes: { type: string }[] } }
    await expect
      .poll(async () => (await graphqlData<Audit>(server, query)).auditEntries.nodes.map(({ type }) => type), {
        timeout: 10_000,
      })
      .toEqual(expect.arrayContaining(['auth.token_signed_in', 'auth.token_signed_out']))
  })

  it('loses its session when the token that it was signed in with is revoked', async () => {
    const made = await graphqlData<{
      createApplicationToken: { token: string; applicationToken: { id: string } }
    }>(
      server,
      `mutation { createApplicationToken(input: { name: "short", scopes: ["tasks:read"] }) {
        ... on CreateApplicationTokenPayload { token applicationToken { id } } } }`,
    )
    const { token, applicationToken } = made.createApplicationToken
    const { cookie } = await signIn({ token })
    expect(await viewerBy(cookie)).toMatchObject({ status: 200 })
    const revoke = 'mutation ($id: String!) { revokeApplicationToken(input: { id: $id }) { __typename } }'
    await graphqlData(server, revoke, { id: applicationToken.id })
    await expect.poll(async () => (await viewerBy(cookie)).status, { timeout: 10_000 }).toBe(401)
  })

  it('is refused with a wrong password, a wrong token, or a body that is neither', async () => {
    const refusals = await Promise.all(
      [{ email: 'nobody@example.com', password: 'wrong' }, { token: 'sbx_wrong' }, { email: 'a' }].map((body) =>
        ask('POST', { body }),
      ),
    )
    expect(refusals.map(({ status }) => status)).toEqual([401, 401, 422])
    for (const refusal of refusals) expect(refusal.headers.getSetCookie()).toEqual([])
  })

  it('keeps sessions of several accounts apart', async () => {
    const cookie = (await Promise.all([server, other].map(({ token }) => signIn({ token }))))
      .map((one) => one.cookie)
      .join('; ')
    for (const { accountId = '' } of [server, other])
      expect(await viewerBy(cookie, { path: `/graphql?session=${accountId}` })).toMatchObject({
        data: { viewer: { account: { id: accountId } } },
      })
    // It would be anybody's guess which one is meant.
    expect(await viewerBy(cookie)).toMatchObject({ status: 401 })
    expect((await ask('DELETE', { cookie, query: `?session=${other.accountId}` })).status).toBe(204)
    expect(await viewerBy(cookie, { path: `/graphql?session=${server.accountId}` })).toMatchObject({ status: 200 })
    const { sessions } = (await (await ask('GET', { cookie })).json()) as { sessions: { account: { id: string } }[] }
    expect(sessions.map(({ account }) => account.id)).toEqual([server.accountId])
  })
})

describe('the cookie', () => {
  it('opens GraphQL, its WebSocket, and what REST reads, to pages of this server alone', async () => {
    const { cookie } = await signIn({ token: server.token })
    expect(await connect(cookie, server.url)).toBe('connection_ack')
    expect(await connect(cookie, 'https://evil.example')).toBe('4403')
    for (const origin of ['https://evil.example', 'null', 'not an origin'])
      expect(await viewerBy(cookie, { origin })).toMatchObject({ status: 403 })
    const read = await fetch(`${server.url}/api/tasks?session=${server.accountId}`, { headers: { cookie } })
    expect(read.status).toBe(200)
    const write = await fetch(`${server.url}/api/webhooks`, {
      method: 'POST',
      headers: { cookie, ...json },
      body: '{}',
    })
    expect(write.status).toBe(403)
  })

  it('is neither needed nor looked at where a token is shown', async () => {
    const headers = { cookie: `signalbox-${server.accountId}=sbb_${'x'.repeat(43)}`, origin: 'https://evil.example' }
    const authorization = `Bearer ${server.token}`
    const body = JSON.stringify({ query: '{ viewer { id } }' })
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { ...headers, ...json, authorization },
      body,
    })
    expect(response.status).toBe(200)
  })

  it('is not given to, nor taken from, pages of another origin', async () => {
    const body = { token: server.token }
    expect((await ask('POST', { body, origin: 'https://evil.example' })).status).toBe(403)
    const { cookie } = await signIn(body)
    expect((await ask('DELETE', { cookie, origin: 'https://evil.example' })).status).toBe(403)
    expect(await viewerBy(cookie)).toMatchObject({ status: 200 })
  })

  it('belongs to the host alone where the public address is https', () => {
    const cookies = new SessionCookies('https://box.example/signalbox')
    const accountId = '00000000-0000-4000-8000-000000000000'
    expect(cookies.set({ accountId, token: 'sbb_x' }, new Date(0))).toBe(
      `__Host-signalbox-${accountId}=sbb_x; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax`,
    )
  })
})
