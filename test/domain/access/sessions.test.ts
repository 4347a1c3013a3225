import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toldEvents } from '#test/support/events.ts'
import { graphql } from '#test/support/graphql.ts'
import { addPerson, refresh, signIn } from '#test/support/people.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { connectSocket } from '#test/support/websocket.ts'

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

interface Listed {
  readonly id: string
  readonly isCurrent: boolean
  readonly method: string
  readonly address: string
  readonly userAgent: string | null
  readonly lastUsedAt: string
  readonly user: { email: string }
}

const list = `query($who: String, $first: Int, $after: String) { sessions(who: $who, first: $first, after: $after) {
  nodes { id isCurrent method address userAgent scopes createdAt lastUsedAt expiresAt user { email } }
  pageInfo { endCursor hasNextPage } } }`

interface Page {
  readonly nodes: Listed[]
  readonly pageInfo: { readonly endCursor: string; readonly hasNextPage: boolean }
}

async function sessions(token: string, variables: object = {}) {
  const { data, errors } = await graphql<{ sessions: Page }>(server, list, { ...variables }, token)
  return data?.sessions ?? errors?.[0]?.extensions?.['code']
}

/** What a session may do, or the code of the refusal. */
async function scopes(token: string): Promise<unknown> {
  const { data, errors } = await graphql<{ viewer: { scopes: string[] } }>(server, '{ viewer { scopes } }', {}, token)
  return data?.viewer.scopes ?? errors?.[0]?.extensions?.['code']
}

const endAll = `mutation($input: EndSessionsInput!) { endSessions(input: $input) {
  ... on EndSessionsPayload { count } ... on Failure { code } } }`

async function end(token: string, input: object = {}): Promise<unknown> {
  const { data, errors } = await graphql<{ endSessions: object }>(server, endAll, { input }, token)
  return data?.endSessions ?? errors?.[0]?.extensions?.['code']
}

describe('the sessions of a person', () => {
  it('are listed by themselves, newest first, with how and from where they are used', async () => {
    const email = await addPerson(server)
    const first = await signIn(server, email, undefined, 'a laptop')
    const second = await signIn(server, email, undefined, 'a telephone')
    const { nodes } = (await sessions(first.accessToken)) as Page
    expect(nodes).toMatchObject([
      { isCurrent: false, method: 'password', userAgent: 'a telephone', user: { email } },
      { isCurrent: true, method: 'password', userAgent: 'a laptop', user: { email }, scopes: [] },
    ])
    expect(nodes[0]?.address).toContain('127.0.0.1')
    const page = (await sessions(second.accessToken, { first: 1 })) as Page
    expect([page.nodes[0]?.isCurrent, page.pageInfo.hasNextPage]).toEqual([true, true])
    const rest = (await sessions(second.accessToken, { after: page.pageInfo.endCursor })) as Page
    expect(rest.nodes.map(({ id }) => id)).toEqual([nodes[1]?.id])
  })

  it('show when they were last used', async () => {
    const { accessToken } = await signIn(server, await addPerson(server))
    const before = ((await sessions(accessToken)) as Page).nodes[0]?.lastUsedAt ?? ''
    await until(async () => ((await sessions(accessToken)) as Page).nodes[0]?.lastUsedAt !== before)
  })

  it('are seen by who administers access, and by nobody else', async () => {
    const email = await addPerson(server)
    await signIn(server, email)
    const other = await signIn(server, await addPerson(server))
    expect(await sessions(other.accessToken, { who: email })).toBe('FORBIDDEN')
    const owner = await signIn(server, await addPerson(server, 'OWNER'))
    expect(((await sessions(owner.accessToken, { who: email.toUpperCase() })) as Page).nodes).toHaveLength(1)
    const everybody = (await sessions(server.token, { first: 200 })) as Page
    expect(everybody.nodes.map(({ user }) => user.email)).toContain(email)
    const { token } = await addToken(server)
    expect(await sessions(token, { who: email })).toMatchObject({ nodes: [] })
    expect(await sessions(token)).toMatchObject({ nodes: [] })
    expect(await sessions((await addToken(server, { scopes: ['tasks:read'] })).token)).toBe('FORBIDDEN')
  })

  it('end except for the current one, on every process, and are no longer listed', async () => {
    const email = await addPerson(server)
    const [own, other, third] = [await signIn(server, email), await signIn(server, email), await signIn(server, email)]
    const socket = await connectSocket(neighbour, { token: other.accessToken })
    expect(await end(own.accessToken)).toEqual({ count: 2 })
    expect((await socket.closed).code).toBe(4403)
    expect(await scopes(third.accessToken)).toBe('UNAUTHENTICATED')
    expect(((await sessions(own.accessToken)) as Page).nodes).toHaveLength(1)
    expect(await end(own.accessToken, { keepCurrent: false })).toEqual({ count: 1 })
    await until(async () => (await scopes(own.accessToken)) === 'UNAUTHENTICATED')
    const ended = await toldEvents(server, ['auth.session_ended'], ({ actor }) => actor.id === own.userId, 3)
    expect(ended).toHaveLength(3)
  })

  it('are ended by who administers access, and by nobody else', async () => {
    const email = await addPerson(server)
    const { accessToken } = await signIn(server, email)
    const other = await signIn(server, await addPerson(server))
    expect(await end(other.accessToken, { who: email })).toBe('FORBIDDEN')
    expect(await end((await addToken(server)).token, { who: email })).toEqual({ code: 'NOT_FOUND' })
    expect(await end(server.token, { who: email })).toEqual({ count: 1 })
    expect(await scopes(accessToken)).toBe('UNAUTHENTICATED')
  })
})

describe('a session that is narrowed', () => {
  it('may what was asked for at sign-in, and nothing else', async () => {
    const email = await addPerson(server)
    const { accessToken } = await signIn(server, email, ['tasks:read', 'documents:read:releases/**'])
    expect(await scopes(accessToken)).toEqual(['tasks:read', 'documents:read:releases/**'])
    const { errors } = await graphql(server, '{ events { nodes { type } } }', {}, accessToken)
    expect(errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
  })

  it.each([
    [['access:admin'], 'SCOPE_NOT_HELD'],
    [['tasks:red'], 'INVALID_INPUT'],
    [[], 'INVALID_INPUT'],
  ])('is refused with %j, which the role has not', async (wanted, code) => {
    expect(await signIn(server, await addPerson(server), wanted)).toMatchObject({ code })
  })

  it('becomes narrower when it is refreshed, never wider', async () => {
    const first = await signIn(server, await addPerson(server), ['tasks:write', 'events:read'])
    const second = await refresh(server, first.refreshToken, ['tasks:read'])
    expect(await scopes(second.accessToken)).toEqual(['tasks:read'])
    expect(await refresh(server, second.refreshToken, ['tasks:write'])).toMatchObject({ code: 'SCOPE_NOT_HELD' })
    // What was refused has used nothing up.
    const third = await refresh(server, second.refreshToken)
    expect(await scopes(third.accessToken)).toEqual(['tasks:read'])
  })

  it('loses the connections that were opened when it was wider', async () => {
    const { accessToken, refreshToken } = await signIn(server, await addPerson(server))
    const socket = await connectSocket(neighbour, { token: accessToken })
    await refresh(server, refreshToken, ['tasks:read'])
    expect((await socket.closed).code).toBe(4403)
    await until(async () => ((await scopes(accessToken)) as string[]).length === 1)
  })
})
