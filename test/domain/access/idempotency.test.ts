import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql } from '#test/support/graphql.ts'
import { addPerson, refresh, signIn } from '#test/support/people.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'

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

interface Outcome {
  readonly code?: string
  readonly id?: string
  readonly token?: string
  readonly user?: { id: string }
  readonly team?: { id: string }
  readonly task?: { id: string }
}

const fields: Record<string, string> = {
  createUser: '... on CreateUserPayload { user { id } }',
  submitTask: '... on SubmitTaskPayload { task { id } }',
  createTeam: '... on CreateTeamPayload { team { id } }',
  addTeamMember: '... on AddTeamMemberPayload { team { id } }',
  createApplicationToken: '... on CreateApplicationTokenPayload { token } ... on TokenShown { id }',
  rotateApplicationToken: '... on RotateApplicationTokenPayload { token } ... on TokenShown { id }',
}

async function ask(name: string, input: object, { at = server, token = server.token } = {}): Promise<Outcome> {
  const type = name === 'addTeamMember' ? 'TeamMember' : `${name.charAt(0).toUpperCase()}${name.slice(1)}`
  const query = `mutation($input: ${type}Input!) { outcome: ${name}(input: $input) { ... on Failure { code } ${fields[name] ?? ''} } }`
  const { data, errors } = await graphql<{ outcome: Outcome }>(at, query, { input }, token)
  if (data?.outcome === undefined) throw new Error(JSON.stringify(errors))
  return data.outcome
}

let count = 0
const next = () => {
  count += 1
  return count
}
const key = () => `key-${next()}`
const email = () => `keyed-${next()}@example.com`

describe('a request that is sent again under its key', () => {
  it('is done once and answered alike, on any process, also when both come at once', async () => {
    const input = { email: email(), idempotencyKey: key() }
    const both = await Promise.all([ask('createUser', input), ask('createUser', input, { at: neighbour })])
    const third = await ask('createUser', input)
    expect(new Set([...both, third].map(({ user }) => user?.id)).size).toBe(1)
    expect(third.code).toBeUndefined()
    const other = email()
    expect(await ask('createUser', { ...input, email: other })).toEqual({ code: 'IDEMPOTENCY_KEY_REUSED' })
    const team = { slug: `keyed-${count}`, name: 'x', idempotencyKey: input.idempotencyKey }
    expect(await ask('createTeam', team)).toEqual({ code: 'IDEMPOTENCY_KEY_REUSED' })
  })

  it('may be tried again after it was refused', async () => {
    const taken = email()
    await ask('createUser', { email: taken })
    const input = { email: taken, idempotencyKey: key() }
    expect(await ask('createUser', input)).toEqual({ code: 'ALREADY_EXISTS' })
    const remove = 'mutation($who: String!) { removeUser(input: { who: $who }) { __typename } }'
    await graphql(server, remove, { who: taken })
    expect(await ask('createUser', input)).toHaveProperty('user')
  })

  it('is nobody else’s: another account has keys of its own', async () => {
    const input = { slug: `keyed-${next()}`, name: 'x', idempotencyKey: key() }
    const own = await ask('createTeam', input)
    const { token } = await addToken(server)
    expect((await ask('createTeam', input, { token })).team?.id).not.toBe(own.team?.id)
  })

  it('is nobody else’s in the account, whatever it asks for', async () => {
    const accountId = await ownAccount(server)
    const idempotencyKey = key()
    const keyed: [string, (mark: string) => object][] = [
      ['submitTask', (label) => ({ type: 'probe', input: { durationMs: 0 }, labels: { label } })],
      ['setEntry', (value) => ({ key: `keyed/${idempotencyKey}`, value })],
      ['putDocument', (data) => ({ key: idempotencyKey, data })],
      ['triggerEvent', (mark) => ({ type: 'test.keyed', data: { mark } })],
      ['createTeam', (mark) => ({ slug: `keyed-${mark}`, name: mark })],
      ['createApplicationToken', (name) => ({ name, scopes: ['tasks:read'] })],
      ['createWebhook', (name) => ({ name, url: 'https://nowhere.invalid', events: ['a.b'] })],
    ]
    for (const [name, inputOf] of keyed) {
      const callers = [await addToken(server, { accountId }), await addToken(server, { accountId })]
      const codes = await Promise.all(
        callers.map(({ token, id }) => ask(name, { ...inputOf(id), idempotencyKey }, { token })),
      )
      expect([name, codes.map(({ code }) => code)]).toEqual([name, [undefined, undefined]])
      const [{ token, id }] = callers as [(typeof callers)[0]]
      const other = await ask(name, { ...inputOf(`other-${id}`), idempotencyKey }, { token })
      expect([name, other.code]).toEqual([name, 'IDEMPOTENCY_KEY_REUSED'])
    }
  })

  it('is the same for all sessions of a person, and for a token and its successors', async () => {
    const who = await addPerson(server, 'OWNER')
    const first = await signIn(server, who)
    const later = [await refresh(server, first.refreshToken), await signIn(server, who)]
    const accountId = await ownAccount(server)
    const { token, id } = await addToken(server, { accountId })
    const rotated = await ask('rotateApplicationToken', { id, overlapMs: 60_000 }, { token })
    const successor = rotated.token ?? ''
    const [{ id: nextId }] = (await server.database.query(
      'SELECT successor_id AS id FROM application_token WHERE id = $1',
      [id],
    )) as [{ id: string }]
    const again = await ask('rotateApplicationToken', { id: nextId, overlapMs: 60_000 }, { token: successor })
    const lines = [
      [first.accessToken, ...later.map(({ accessToken }) => accessToken)],
      [token, successor, again.token ?? ''],
    ]
    for (const tokens of lines) {
      const team = { slug: `keyed-${next()}`, name: 'x', idempotencyKey: key() }
      const task = { type: 'probe', input: { durationMs: 0 }, idempotencyKey: key() }
      const [teams, tasks] = [new Set<unknown>(), new Set<unknown>()]
      for (const one of tokens) {
        teams.add((await ask('createTeam', team, { token: one })).team?.id)
        tasks.add((await ask('submitTask', task, { token: one })).task?.id)
      }
      expect([[...teams], [...tasks]]).toEqual([[expect.any(String)], [expect.any(String)]])
    }
  })

  it('creates a team and its member once, and says when the team has been deleted since', async () => {
    const who = email()
    await ask('createUser', { email: who })
    const slug = `keyed-${next()}`
    const [team, member] = [
      { slug, name: 'x', idempotencyKey: key() },
      { slug, who, idempotencyKey: key() },
    ]
    const made = await ask('createTeam', team)
    expect(await ask('createTeam', team)).toEqual(made)
    for (let time = 0; time < 2; time += 1) expect(await ask('addTeamMember', member)).toEqual(made)
    expect(await ask('addTeamMember', { slug, who, idempotencyKey: key() })).toEqual({ code: 'ALREADY_EXISTS' })
    await ask('createTeam', { slug: `${slug}-other`, name: 'x' })
    await graphql(server, 'mutation($slug: String!) { deleteTeam(input: { slug: $slug }) { __typename } }', { slug })
    expect(await ask('createTeam', team)).toEqual({ code: 'NOT_FOUND' })
  })

  it('shows a token once, keeps nothing of it, and makes no second one', async () => {
    const input = { name: 'keyed', scopes: ['tasks:read'], idempotencyKey: key() }
    const { token = '' } = await ask('createApplicationToken', input)
    const again = await ask('createApplicationToken', input)
    expect(again).toEqual({ code: 'TOKEN_SHOWN', id: expect.any(String) })
    const rotation = { id: again.id, idempotencyKey: key() }
    const rotated = await ask('rotateApplicationToken', rotation)
    expect(rotated.token).toMatch(/^sbx_/)
    expect(await ask('rotateApplicationToken', rotation)).toMatchObject({ code: 'TOKEN_SHOWN' })
    const kept = JSON.stringify(await server.database.query('SELECT * FROM idempotent_request'))
    for (const text of [token, rotated.token ?? '', 'sbx_']) expect(kept).not.toContain(text)
    const [row] = await server.database.query("SELECT count(*)::int FROM application_token WHERE name = 'keyed'")
    expect(row).toEqual({ count: 2 })
  })

  it('is a new one after a day', async () => {
    const input = { email: email(), idempotencyKey: key() }
    await ask('createUser', input)
    await server.database.query("UPDATE idempotent_request SET created_at = now() - interval '25 hours'")
    expect(await ask('createUser', input)).toEqual({ code: 'ALREADY_EXISTS' })
  })

  it.each(['', 'with blank', 'ü', 'x'.repeat(256), 'a\u0000'])('has no key %j', async (idempotencyKey) => {
    expect(await ask('createUser', { email: email(), idempotencyKey })).toEqual({ code: 'INVALID_INPUT' })
  })

  it('needs the right to ask, each time', async () => {
    const input = { email: email(), idempotencyKey: key() }
    await ask('createUser', input)
    const { token } = await addToken(server, { scopes: ['tasks:read'] })
    await expect(ask('createUser', input, { token })).rejects.toThrow('FORBIDDEN')
  })
})
