import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditEntriesOnce } from '#test/support/audit.ts'
import { openStream } from '#test/support/event-stream.ts'
import { type GraphqlAnswer, graphql, graphqlData } from '#test/support/graphql.ts'
import { addPerson, signIn } from '#test/support/people.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { connectSocket } from '#test/support/websocket.ts'

let server: TestServer
/** Another process of the same installation. */
let neighbour: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
  neighbour = await startTestServer({ database: server.database, env: { LOG_LEVEL: 'silent', ROLES: 'api' } })
  await addPerson(server, 'OWNER')
})
afterAll(async () => {
  await neighbour.close()
  await server.close()
})

interface Outcome {
  readonly token?: string
  readonly applicationToken?: { readonly id: string; readonly owner: { readonly name: string } | null }
  readonly code?: string
  readonly scopes?: readonly string[]
  readonly issues?: readonly { readonly path: string }[]
  readonly limit?: number
}

async function mutate(name: string, input: object, as: string, payload: string): Promise<Outcome> {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
  const query = `mutation($input: ${type}Input!) { outcome: ${name}(input: $input) {
    ... on ${type}Payload { ${payload} applicationToken { id owner { name } } } ... on Failure { code }
    ... on InvalidInput { issues { path } } ... on ScopeNotHeld { scopes } } }`
  return outcomeOf(await graphql<{ outcome: Outcome }>(server, query, { input }, as))
}

function outcomeOf({ data, errors }: GraphqlAnswer<{ outcome: Outcome }>): Outcome {
  return errors === undefined ? (data?.outcome ?? {}) : { code: String(errors[0]?.extensions?.['code']) }
}

const create = (as: string, input: object = {}) =>
  mutate('createApplicationToken', { name: 'laptop', scopes: ['tasks:read'], ...input }, as, 'token')
const rotate = (id: string, as: string, input: object = {}) =>
  mutate('rotateApplicationToken', { id, ...input }, as, 'token')
const revoke = (id: string, as: string) => mutate('revokeApplicationToken', { id }, as, '')

/** A person who is signed in, with a personal token. */
async function someone({ role = 'MEMBER', scopes = ['tasks:read'] }: { role?: 'OWNER' | 'MEMBER'; scopes?: string[] }) {
  const email = await addPerson(server, role)
  const { accessToken: session } = await signIn(server, email)
  const { token = '', applicationToken } = await create(session, { scopes, personal: true })
  return { email, session, token, id: applicationToken?.id ?? '' }
}

interface Viewer {
  readonly kind: string
  readonly scopes: readonly string[]
}

async function viewer(token: string, at = server): Promise<Viewer | undefined> {
  return (await graphql<{ viewer: Viewer }>(at, '{ viewer { kind scopes } }', {}, token)).data?.viewer
}

async function idsOf(as: string, args = ''): Promise<string[]> {
  const query = `{ applicationTokens(first: 200${args}) { nodes { id } } }`
  const { applicationTokens } = await graphqlData<{ applicationTokens: { nodes: { id: string }[] } }>(
    { url: server.url, token: as },
    query,
  )
  return applicationTokens.nodes.map(({ id }) => id)
}

const updateRole =
  'mutation($who: String!, $role: PersonRole!) { updateUser(input: { who: $who, role: $role }) { __typename } }'
const setRole = (who: string, role: string) => graphqlData(server, updateRole, { who, role })
const remove = (who: string) =>
  graphqlData(server, 'mutation($who: String!) { removeUser(input: { who: $who }) { __typename } }', { who })

describe('a member', () => {
  it('creates a token within their rights, which is theirs', async () => {
    const { email, token, id } = await someone({})
    expect(await viewer(token)).toEqual({ kind: 'application', scopes: ['tasks:read'] })
    const [entry] = await auditEntriesOnce(server, { types: ['auth.token_created'], subject: `token:${id}` })
    expect(entry).toMatchObject({
      actor: { kind: 'user', name: email },
      credential: { kind: 'session' },
      data: { name: 'laptop', scopes: ['tasks:read'], owner: { email } },
    })
  })

  it('can’t give it more than their role or their narrowed session has, nor create one of the account', async () => {
    const email = await addPerson(server)
    const { accessToken: session } = await signIn(server, email)
    expect(await create(session, { scopes: ['tasks:read', 'documents:write', 'access:admin'] })).toEqual({
      code: 'SCOPE_NOT_HELD',
      scopes: ['documents:write', 'access:admin'],
    })
    expect(await create(session, { personal: false })).toEqual({ code: 'FORBIDDEN' })
    const { accessToken: narrowed } = await signIn(server, email, ['events:read'])
    expect(await create(narrowed)).toEqual({ code: 'SCOPE_NOT_HELD', scopes: ['tasks:read'] })
    expect(await create(narrowed, { scopes: ['events:read'] })).toHaveProperty('token')
  })

  it('lists, reads, rotates and revokes their own, and sees no others', async () => {
    const ada = await someone({})
    const bob = await someone({})
    expect(await idsOf(ada.session)).toEqual([ada.id])
    const both = `query($own: ID!, $other: ID!) { own: applicationToken(id: $own) { id } other: applicationToken(id: $other) { id }
      node(id: $other) { id } }`
    const read = await graphqlData({ url: server.url, token: ada.session }, both, { own: ada.id, other: bob.id })
    expect(read).toEqual({ own: { id: ada.id }, other: null, node: null })
    for (const other of [bob.id, bob.token]) {
      expect(await revoke(other, ada.session)).toEqual({ code: 'FORBIDDEN' })
      expect(await rotate(other, ada.session)).toEqual({ code: 'FORBIDDEN' })
    }
    const next = await rotate(ada.id, ada.session, { expiresInDays: 90 })
    expect(next.applicationToken?.owner).toEqual({ name: ada.email })
    expect(await viewer(next.token ?? '')).toMatchObject({ scopes: ['tasks:read'] })
    expect(await revoke(next.applicationToken?.id ?? '', ada.session)).toHaveProperty('applicationToken')
    await until(async () => (await viewer(next.token ?? '')) === undefined)
    expect(await viewer(bob.token)).toBeDefined()
  })

  it('has at most 50 of them, whatever was rotated or revoked before', async () => {
    const { session, token, id } = await someone({})
    const facts = 'role, scopes, expires_at, created_by, owner_id'
    await server.database.query(
      `INSERT INTO application_token (account_id, id, name, hash, ${facts})
       SELECT account_id, gen_random_uuid(), 'one of many', sha256(gen_random_uuid()::text::bytea), ${facts}
       FROM application_token, generate_series(1, 49) WHERE id = $1`,
      [id],
    )
    expect(await create(session)).toEqual({ code: 'QUOTA_EXCEEDED' })
    const next = await rotate(id, token, { overlapMs: 600_000 })
    expect(next).toHaveProperty('token')
    expect(await create(session)).toEqual({ code: 'QUOTA_EXCEEDED' })
    await revoke(next.applicationToken?.id ?? '', session)
    expect(await create(session)).toHaveProperty('token')
  })

  it('creates one once under an idempotency key', async () => {
    const { session } = await someone({})
    const first = await create(session, { idempotencyKey: 'once' })
    expect(first).toHaveProperty('token')
    expect(await create(session, { idempotencyKey: 'once' })).toEqual({ code: 'TOKEN_SHOWN' })
  })

  it('has the same over REST', async () => {
    const { session, email } = await someone({})
    const headers = { authorization: `Bearer ${session}`, 'content-type': 'application/json' }
    const made = await fetch(`${server.url}/api/application-tokens`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ name: 'script', scopes: ['tasks:read'] }),
    })
    const { id, token, owner } = (await made.json()) as { id: string; token: string; owner: string }
    expect([made.status, owner]).toEqual([201, email])
    expect(await viewer(token)).toBeDefined()
    const listed = await fetch(`${server.url}/api/application-tokens`, { headers })
    expect(await listed.json()).toMatchObject([{ id, name: 'script' }, { name: 'laptop' }])
    const revoked = await fetch(`${server.url}/api/application-tokens/${id}`, { method: 'DELETE', headers })
    expect(revoked.status).toBe(200)
  })
})

describe('an administrator', () => {
  it('creates tokens of the account unless they ask for a personal one', async () => {
    const { accessToken: session } = await signIn(server, await addPerson(server, 'OWNER'))
    expect((await create(session)).applicationToken?.owner).toBeNull()
    expect((await create(session, { personal: true })).applicationToken?.owner).not.toBeNull()
  })

  it('lists and revokes those of others, and can’t rotate them into their own hands', async () => {
    const ada = await someone({})
    expect(await idsOf(server.token, `, owner: "${ada.email}"`)).toEqual([ada.id])
    expect(await rotate(ada.id, server.token)).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'id' }] })
    expect(await revoke(ada.id, server.token)).toHaveProperty('applicationToken')
    await until(async () => (await viewer(ada.token)) === undefined)
  })
})

describe('a personal token', () => {
  it('creates no others, and is only for people', async () => {
    const { token, id } = await someone({})
    expect(await create(token)).toEqual({ code: 'FORBIDDEN' })
    expect(await revoke(id, token)).toEqual({ code: 'FORBIDDEN' })
    const personal = await create(server.token, { personal: true })
    expect(personal).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'personal' }] })
  })

  it('changes nothing of its person, and signs nobody in', async () => {
    const { token, email } = await someone({ role: 'OWNER', scopes: ['tasks:read', 'tasks:write'] })
    const attempts = [
      `mutation { setPassword(input: { who: "${email}", password: "another long password" }) { __typename } }`,
      `mutation { removeUser(input: { who: "${email}" }) { __typename } }`,
      `mutation { endSessions(input: {}) { __typename } }`,
      `{ sessions { nodes { id } } }`,
    ]
    for (const query of attempts)
      expect((await graphql(server, query, {}, token)).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
    const approve = 'mutation { approveDevice(input: { userCode: "BCDF-GHJK" }) { ... on Failure { code } } }'
    expect((await graphql(server, approve, {}, token)).data).toEqual({ approveDevice: { code: 'FORBIDDEN' } })
  })

  it('that rotates itself keeps its person and its end', async () => {
    const { token, id, email, session } = await someone({})
    const query = 'query($id: ID!) { applicationToken(id: $id) { expiresAt owner { name } } }'
    const as = { url: server.url, token: session }
    const before = await graphqlData<{ applicationToken: object }>(as, query, { id })
    const next = await rotate(id, token)
    const after = await graphqlData<{ applicationToken: object }>(as, query, { id: next.applicationToken?.id })
    expect(after).toEqual(before)
    expect(after.applicationToken).toMatchObject({ owner: { name: email } })
  })

  it.each(['same', 'another'])(
    'is narrowed at once on the %s process when its person gets another role',
    async (which) => {
      const at = which === 'same' ? server : neighbour
      const scopes = ['tasks:admin', 'documents:write', 'events:read', 'webhooks:admin']
      const { email, token, session, id } = await someone({ role: 'OWNER', scopes })
      const query = 'subscription { events { type } }'
      const socket = await connectSocket(at, { token })
      socket.subscribe('1', query)
      const stream = await openStream(at, { query, token })
      expect((await viewer(token, at))?.scopes).toEqual(scopes)
      await setRole(email, 'MEMBER')
      expect((await socket.closed).code).toBe(4403)
      await readAll(stream)
      expect((await viewer(token, at))?.scopes).toEqual(['tasks:read', 'tasks:write', 'documents:read', 'events:read'])
      // What is left of it is what its successor has, also when its person is an owner again.
      const next = await rotate(id, session)
      await setRole(email, 'OWNER')
      await until(async () => (await viewer(token)) === undefined)
      expect((await viewer(next.token ?? ''))?.scopes).not.toContain('tasks:admin')
    },
  )

  it.each(['same', 'another'])('ends on the %s process with its person', async (which) => {
    const at = which === 'same' ? server : neighbour
    const { email, token, id } = await someone({ scopes: ['events:read', 'tasks:read'] })
    const socket = await connectSocket(at, { token })
    await remove(email)
    expect((await socket.closed).code).toBe(4403)
    expect(await viewer(token, at)).toBeUndefined()
    const entries = await auditEntriesOnce(server, { types: ['auth.token_revoked'], subject: `token:${id}` })
    expect(entries[0]?.data).toMatchObject({ reason: 'person removed', owner: { email } })
  })

  it('works on when its person gets a new password', async () => {
    const { email, token, session } = await someone({ scopes: ['events:read'] })
    const socket = await connectSocket(server, { token })
    const signedIn = await connectSocket(server, { token: session })
    const setPassword = `mutation($who: String!) {
      setPassword(input: { who: $who, password: "another long password" }) { __typename } }`
    await graphqlData(server, setPassword, { who: email })
    // One look ends all who lose their rights, so the token's socket would have ended by now.
    expect((await signedIn.closed).code).toBe(4403)
    expect(socket.socket.readyState).toBe(socket.socket.OPEN)
    expect(await viewer(token)).toBeDefined()
    socket.socket.close()
  })

  it('limits its webhooks to what its person may do', async () => {
    const { email, token } = await someone({ role: 'OWNER', scopes: ['webhooks:admin', 'tasks:read'] })
    const createWebhook = `mutation { createWebhook(input: { name: "mine", url: "https://hooks.example.com/", events: ["task.*"] }) {
      ... on CreateWebhookPayload { webhook { id } } ... on Failure { code message } } }`
    const { createWebhook: made } = await graphqlData<{ createWebhook: { webhook: { id: string } } }>(
      { url: server.url, token },
      createWebhook,
    )
    const scopes = async () => {
      const query = 'query ($id: ID!) { webhook(id: $id) { maker { scopes } } }'
      const { webhook } = await graphqlData<{ webhook: { maker: { scopes: string[] } } }>(server, query, made.webhook)
      return webhook.maker.scopes.join()
    }
    expect(await scopes()).toBe('webhooks:admin,tasks:read')
    await setRole(email, 'MEMBER')
    await until(async () => (await scopes()) === 'tasks:read')
    await remove(email)
    await until(async () => (await scopes()) === '')
  })
})

async function readAll(stream: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of stream);
  } catch {
    // The connection was cut.
  }
}
