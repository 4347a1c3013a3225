import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { addPerson, anonymously, password, type SignedIn, signIn } from '#test/support/people.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

const memberScopes = ['tasks:read', 'tasks:write', 'documents:read', 'entries:read', 'events:read', 'salesforce:use']

async function tokenFor(...scopes: string[]) {
  return addToken(server, { accountId: await ownAccount(server), scopes })
}

/** Runs a mutation; the code of its failure, or undefined when it succeeds. */
async function change(name: string, input: object, token: string): Promise<string | undefined> {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`
  const query = `mutation ($input: ${type}!) { outcome: ${name}(input: $input) { ... on Failure { code } } }`
  const { data, errors } = await graphql<{ outcome: { code?: string } }>(server, query, { input }, token)
  return data?.outcome.code ?? (errors?.[0]?.extensions?.['code'] as string | undefined)
}

async function sessionIds(who: string): Promise<string[]> {
  const { sessions } = await graphqlData<{ sessions: { nodes: { id: string }[] } }>(
    server,
    `{ sessions(who: "${who}") { nodes { id } } }`,
  )
  return sessions.nodes.map(({ id }) => id)
}

let count = 0
const newEmail = () => `authority-${count++}@example.com`

describe('a token with access:admin', () => {
  it('adds and changes only people whose scopes it holds', async () => {
    const [alone, member] = [await tokenFor('access:admin'), await tokenFor('access:admin', ...memberScopes)]
    for (const role of ['OWNER', 'MEMBER'])
      expect(await change('createUser', { email: newEmail(), role }, alone.token)).toBe('SCOPE_NOT_HELD')
    expect(await change('createUser', { email: newEmail(), role: 'OWNER' }, member.token)).toBe('SCOPE_NOT_HELD')
    const who = newEmail()
    expect(await change('createUser', { email: who }, member.token)).toBeUndefined()
    expect(await change('updateUser', { who, firstName: 'Ada' }, member.token)).toBeUndefined()
    expect(await change('updateUser', { who, firstName: 'Ada' }, alone.token)).toBe('SCOPE_NOT_HELD')
    expect(await change('updateUser', { who, role: 'OWNER' }, member.token)).toBe('SCOPE_NOT_HELD')
    expect(await change('setPassword', { who, password }, alone.token)).toBe('SCOPE_NOT_HELD')
    expect(await change('setPassword', { who, password }, member.token)).toBeUndefined()
    expect(await change('removeUser', { who }, alone.token)).toBe('SCOPE_NOT_HELD')
    expect(await change('removeUser', { who }, member.token)).toBeUndefined()
  })

  it('takes nothing away from an owner', async () => {
    const { token } = await tokenFor('access:admin', ...memberScopes)
    const who = await addPerson(server, 'OWNER')
    await addPerson(server, 'OWNER')
    const { accessToken } = await signIn(server, who)
    const [sessionId] = await sessionIds(who)
    const attempts: [string, object][] = [
      ['setPassword', { who, password: 'another password of theirs' }],
      ['updateUser', { who, role: 'MEMBER' }],
      ['updateUser', { who, firstName: 'x' }],
      ['removeUser', { who }],
      ['endSessions', { who }],
      ['signOut', { sessionId }],
    ]
    for (const [name, input] of attempts)
      expect([name, await change(name, input, token)]).toEqual([name, 'SCOPE_NOT_HELD'])
    const { data } = await graphql(server, '{ viewer { name role } }', {}, accessToken)
    expect(data).toEqual({ viewer: { name: who, role: 'OWNER' } })
  })

  it('revokes only tokens whose scopes it holds, or that it shows', async () => {
    const { token } = await tokenFor('access:admin', 'tasks:read')
    const [wide, other, own] = [await tokenFor('*'), await tokenFor('tasks:write'), await tokenFor('tasks:read')]
    expect(await change('revokeApplicationToken', { id: wide.id }, token)).toBe('SCOPE_NOT_HELD')
    expect(await change('revokeApplicationToken', { id: other.id }, token)).toBe('SCOPE_NOT_HELD')
    expect(await change('revokeApplicationToken', { id: own.id }, token)).toBeUndefined()
    expect(await change('revokeApplicationToken', { id: other.token }, token)).toBeUndefined()
  })

  it('is refused by REST as well', async () => {
    const { token } = await tokenFor('access:admin')
    const owner = await addPerson(server, 'OWNER')
    const ask = async (method: string, path: string, body?: object) => {
      const response = await fetch(`${server.url}/api${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
      return [response.status, ((await response.json()) as { code?: string }).code]
    }
    const refused = [403, 'SCOPE_NOT_HELD']
    expect(await ask('POST', '/users', { email: newEmail(), role: 'owner' })).toEqual(refused)
    expect(await ask('DELETE', `/users/${owner}`)).toEqual(refused)
    expect(await ask('DELETE', '/users', { email: owner })).toEqual(refused)
    expect(await ask('DELETE', `/auth/sessions?email=${owner}`)).toEqual(refused)
    expect(await ask('PUT', `/users/${owner}`, { role: 'member' })).toEqual(refused)
  })
})

describe('a session that is narrowed', () => {
  it('changes nothing of its own person, and ends itself alone', async () => {
    const who = await addPerson(server, 'OWNER')
    const [whole, narrow] = [await signIn(server, who), await signIn(server, who, ['tasks:read'])]
    const [latest, first] = await sessionIds(who)
    const attempts: [string, object][] = [
      ['removeUser', { who }],
      ['updateUser', { who, firstName: 'x' }],
      ['setPassword', { who, password: 'another password of theirs', presentPassword: password }],
      ['endSessions', {}],
      ['endSessions', { who, keepCurrent: false }],
      ['signOut', { sessionId: first }],
    ]
    for (const [name, input] of attempts)
      expect([name, await change(name, input, narrow.accessToken)]).toEqual([name, 'SCOPE_NOT_HELD'])
    expect(await change('signOut', { sessionId: latest }, narrow.accessToken)).toBeUndefined()
    const second = await signIn(server, who, ['tasks:read'])
    expect(await change('signOut', {}, second.accessToken)).toBeUndefined()
    const { data } = await graphql(server, '{ viewer { name } }', {}, whole.accessToken)
    expect(data).toEqual({ viewer: { name: who } })
    expect(await change('updateUser', { who, firstName: 'x' }, whole.accessToken)).toBeUndefined()
    expect(await change('removeUser', { who }, whole.accessToken)).toBeUndefined()
  })

  it('with access:admin manages only people whose scopes it holds', async () => {
    const { accessToken } = await signIn(server, await addPerson(server, 'OWNER'), ['access:admin', 'tasks:read'])
    const who = await addPerson(server)
    expect(await change('setPassword', { who, password }, accessToken)).toBe('SCOPE_NOT_HELD')
    expect(await change('createUser', { email: newEmail(), role: 'OWNER' }, accessToken)).toBe('SCOPE_NOT_HELD')
  })

  it('neither manages nor leaves a team of its person', async () => {
    const [who, colleague] = [await addPerson(server), await addPerson(server)]
    await change('createTeam', { slug: 'narrowed', name: 'A team' }, server.token)
    const add = `mutation ($who: String!) { addTeamMember(input: { slug: "narrowed", who: $who, role: OWNER }) { __typename } }`
    for (const member of [who, colleague]) await graphqlData(server, add, { who: member })
    const [whole, narrow] = [await signIn(server, who), await signIn(server, who, ['tasks:read'])]
    for (const member of [who, colleague])
      expect(await change('removeTeamMember', { slug: 'narrowed', who: member }, narrow.accessToken)).toBe('FORBIDDEN')
    expect(await change('updateTeam', { slug: 'narrowed', name: 'x' }, narrow.accessToken)).toBe('FORBIDDEN')
    expect(await change('removeTeamMember', { slug: 'narrowed', who }, whole.accessToken)).toBeUndefined()
  })

  it('gives a device nothing once a lower role has left it nothing', async () => {
    const who = await addPerson(server, 'OWNER')
    const { accessToken } = await signIn(server, who, ['audit:read'])
    expect(await change('updateUser', { who, role: 'MEMBER' }, server.token)).toBeUndefined()
    const { userCode } = await anonymously<{ userCode: string } & SignedIn>(
      server,
      'beginDeviceSignIn',
      { clientName: 'a test' },
      'userCode',
    )
    expect(await change('approveDevice', { userCode }, accessToken)).toBe('SCOPE_NOT_HELD')
  })
})
