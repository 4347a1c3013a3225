import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toldEvents } from '#test/support/events.ts'
import { type GraphqlAnswer, graphql, graphqlData } from '#test/support/graphql.ts'
import { addPerson, signIn } from '#test/support/people.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

type Result = Record<string, unknown> & { readonly code?: string }

/** Runs a mutation; its payload's fields, or the failure. */
async function change(name: string, input: object, fields = '', token = server.token): Promise<Result> {
  const type = /team_?member/i.test(name) && name !== 'removeTeamMember' ? 'TeamMember' : capital(name)
  const isChecked = /^(create|update)(User|Team)$/.test(name)
  const query = `mutation($input: ${type}Input!) { result: ${name}(input: $input) {
    ... on Failure { code message } ${isChecked ? '... on InvalidInput { issues { path message } }' : ''}
    ... on ${capital(name)}Payload { ${fields || '__typename'} } } }`
  return resultOf(await graphql<{ result: Result }>(server, query, { input }, token))
}

const capital = (name: string) => name.charAt(0).toUpperCase() + name.slice(1)

function resultOf({ data, errors }: GraphqlAnswer<{ result: Result }>): Result {
  const [error] = errors ?? []
  if (error !== undefined) return { code: String(error.extensions?.['code']), message: error.message }
  return data?.result ?? {}
}

let count = 0
/** A person of the account; returns their address. */
async function person(role: 'OWNER' | 'MEMBER' = 'MEMBER'): Promise<string> {
  count += 1
  const email = `person-${count}@example.com`
  const { code } = await change('createUser', { email, role })
  if (code !== undefined) throw new Error(`not made: ${code}`)
  return email
}

async function team(): Promise<string> {
  count += 1
  const slug = `team-${count}`
  const { code } = await change('createTeam', { slug, name: 'A team' })
  if (code !== undefined) throw new Error(`not made: ${code}`)
  return slug
}

describe('a user', () => {
  it('is let in with what is known of them', async () => {
    const input = { email: ' Ada@Example.COM ', firstName: 'Ada', lastName: 'Lovelace', role: 'OWNER' }
    const fields = 'user { email firstName lastName role removedAt memberships { role } }'
    expect(await change('createUser', input, fields)).toEqual({
      user: {
        email: 'ada@example.com',
        firstName: 'Ada',
        lastName: 'Lovelace',
        role: 'OWNER',
        removedAt: null,
        memberships: [],
      },
    })
    const query = '{ user(who: "ADA@example.com") { firstName } users(first: 200) { nodes { email } } }'
    const found = await graphqlData<{ user: object; users: { nodes: { email: string }[] } }>(server, query)
    expect(found.user).toEqual({ firstName: 'Ada' })
    expect(found.users.nodes).toContainEqual({ email: 'ada@example.com' })
  })

  it('is listed by role and by team', async () => {
    const [owner, member] = [await person('OWNER'), await person()]
    const slug = await team()
    for (const who of [owner, member]) await change('addTeamMember', { slug, who })
    const list = async (filter: string) => {
      const query = `{ users(first: 200, ${filter}) { nodes { email } } }`
      const { users } = await graphqlData<{ users: { nodes: { email: string }[] } }>(server, query)
      return users.nodes.map(({ email }) => email)
    }
    expect(await list(`team: "${slug}"`)).toEqual([owner, member].toSorted())
    expect(await list(`team: "${slug}", role: MEMBER`)).toEqual([member])
    expect(await list('role: OWNER')).not.toContain(member)
    expect(await list('team: "no-such-team"')).toEqual([])
  })

  it.each([
    [{ email: 'nobody' }, 'email'],
    [{ email: '' }, 'email'],
    [{ email: `${'a'.repeat(250)}@example.com` }, 'email'],
    [{ email: 'x@example.com', firstName: 'x'.repeat(101) }, 'firstName'],
  ])('is refused with %j', async (input, path) => {
    expect(await change('createUser', input)).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path }] })
  })

  it('has an address that nobody else has, whatever its case', async () => {
    const email = await person()
    expect(await change('createUser', { email: email.toUpperCase() })).toMatchObject({ code: 'ALREADY_EXISTS' })
  })

  it('is created once when two ask for it at the same time', async () => {
    const input = { email: 'twice@example.com' }
    const codes = (await Promise.all([1, 2, 3].map(() => change('createUser', input)))).map(({ code }) => code)
    expect(codes.sort()).toEqual(['ALREADY_EXISTS', 'ALREADY_EXISTS', undefined])
  })

  it('is changed where something is given, and stays otherwise', async () => {
    const who = await person()
    await change('updateUser', { who, firstName: 'Grace' })
    const { user } = await change(
      'updateUser',
      { who, lastName: 'Hopper', role: 'OWNER' },
      'user { firstName lastName role }',
    )
    expect(user).toEqual({ firstName: 'Grace', lastName: 'Hopper', role: 'OWNER' })
  })

  it('leaves with their memberships, and frees their address', async () => {
    const who = await person()
    const slug = await team()
    await change('addTeamMember', { slug, who })
    const { user } = await change('removeUser', { who }, 'user { removedAt memberships { role } }')
    expect(user).toEqual({ removedAt: expect.any(String), memberships: [] })
    expect(await change('updateUser', { who, firstName: 'x' })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await change('createUser', { email: who })).not.toHaveProperty('code')
  })

  it('is not there for another account', async () => {
    const who = await person()
    const { token } = await addToken(server)
    expect(await change('removeUser', { who }, '', token)).toMatchObject({ code: 'NOT_FOUND' })
    const answer = await graphql(server, `{ user(who: "${who}") { id } users { nodes { id } } }`, {}, token)
    expect(answer.data).toEqual({ user: null, users: { nodes: [] } })
  })

  it('needs access:admin to be made, changed or listed', async () => {
    const { token } = await addToken(server, { accountId: await ownAccount(server), scopes: ['tasks:admin'] })
    expect(await change('createUser', { email: 'no@example.com' }, '', token)).toMatchObject({ code: 'FORBIDDEN' })
    expect(await change('updateUser', { who: await person(), firstName: 'x' }, '', token)).toMatchObject({
      code: 'FORBIDDEN',
    })
    const { errors } = await graphql(server, '{ users { nodes { id } } }', {}, token)
    expect(errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
  })
})

describe('the last owner', () => {
  it('of an account can neither step down nor leave, also when two go at once', async () => {
    const { token } = await addToken(server)
    for (const email of ['one@other.example', 'two@other.example'])
      await change('createUser', { email, role: 'OWNER' }, '', token)
    const [one, two] = await Promise.all([
      change('updateUser', { who: 'one@other.example', role: 'MEMBER' }, '', token),
      change('removeUser', { who: 'two@other.example' }, '', token),
    ])
    expect([one.code, two.code].sort()).toEqual(['LAST_OWNER', undefined])
  })

  it('of a team can neither step down nor leave, nor be removed from the account', async () => {
    const slug = await team()
    const who = await person()
    await change('addTeamMember', { slug, who, role: 'OWNER' })
    expect(await change('updateTeamMember', { slug, who, role: 'MEMBER' })).toMatchObject({ code: 'LAST_OWNER' })
    expect(await change('removeTeamMember', { slug, who })).toMatchObject({ code: 'LAST_OWNER' })
    expect(await change('removeUser', { who })).toMatchObject({ code: 'LAST_OWNER' })
    await change('addTeamMember', { slug, who: await person(), role: 'OWNER' })
    expect(await change('removeTeamMember', { slug, who })).not.toHaveProperty('code')
  })
})

describe('a team', () => {
  it('has members with roles of their own', async () => {
    const slug = await team()
    const who = await person('OWNER')
    expect(await change('addTeamMember', { slug, who })).not.toHaveProperty('code')
    expect(await change('addTeamMember', { slug, who })).toMatchObject({ code: 'ALREADY_EXISTS' })
    const query = `{ team(slug: "${slug}") { name memberCount members { nodes { role user { email } } } member(who: "${who}") { role } } }`
    expect(await graphqlData(server, query)).toEqual({
      team: {
        name: 'A team',
        memberCount: 1,
        members: { nodes: [{ role: 'MEMBER', user: { email: who } }] },
        member: { role: 'MEMBER' },
      },
    })
    expect(await change('removeTeamMember', { slug, who })).not.toHaveProperty('code')
    expect(await change('removeTeamMember', { slug, who })).toMatchObject({ code: 'NOT_FOUND' })
  })

  it.each(['', 'A', '-a', 'a-', 'a b', 'a'.repeat(64), 'ä'])('can’t be called %j', async (slug) => {
    expect(await change('createTeam', { slug, name: 'x' })).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: 'slug' }],
    })
  })

  it('is called what no other of the account is', async () => {
    const slug = await team()
    expect(await change('createTeam', { slug, name: 'x' })).toMatchObject({ code: 'ALREADY_EXISTS' })
    const { token } = await addToken(server)
    expect(await change('createTeam', { slug, name: 'x' }, '', token)).not.toHaveProperty('code')
  })

  it('has its members in pages, by role', async () => {
    const slug = await team()
    const people = [await person(), await person(), await person('OWNER')]
    for (const who of people) await change('addTeamMember', { slug, who, role: who === people[0] ? 'OWNER' : 'MEMBER' })
    const query = `query($after: String, $role: PersonRole) { team(slug: "${slug}") { memberCount(role: $role)
      members(first: 2, after: $after, role: $role) { nodes { user { email } } pageInfo { endCursor hasNextPage } } } }`
    interface Answer {
      readonly team: {
        readonly memberCount: number
        readonly members: {
          nodes: { user: { email: string } }[]
          pageInfo: { endCursor: string; hasNextPage: boolean }
        }
      }
    }
    const emails = ({ team: { members } }: Answer) => members.nodes.map(({ user }) => user.email)
    const first = await graphqlData<Answer>(server, query)
    const second = await graphqlData<Answer>(server, query, { after: first.team.members.pageInfo.endCursor })
    expect([...emails(first), ...emails(second)]).toEqual(people)
    expect([first, second].map(({ team }) => team.members.pageInfo.hasNextPage)).toEqual([true, false])
    const owners = await graphqlData<Answer>(server, query, { role: 'OWNER' })
    expect([emails(owners), owners.team.memberCount]).toEqual([[people[0]], 1])
  })

  it('is seen by its members and by who administers access, and by nobody else', async () => {
    const [own, other] = [await team(), await team()]
    const [email, colleague] = [await addPerson(server), await addPerson(server)]
    for (const who of [email, colleague]) await change('addTeamMember', { slug: own, who })
    await change('addTeamMember', { slug: other, who: colleague })
    const { accessToken } = await signIn(server, email)
    const query = `{ teams(first: 5) { nodes { slug members(first: 5) { nodes { user { email memberships { team { slug } } } } } } }
      own: team(slug: "${own}") { slug } other: team(slug: "${other}") { slug } }`
    const teams = [{ team: { slug: own } }]
    expect((await graphql(server, query, {}, accessToken)).data).toEqual({
      teams: {
        nodes: [
          {
            slug: own,
            members: { nodes: [email, colleague].map((email) => ({ user: { email, memberships: teams } })) },
          },
        ],
      },
      own: { slug: own },
      other: null,
    })
    const { token } = await addToken(server, { accountId: await ownAccount(server), scopes: ['tasks:admin'] })
    const refused = await graphql(server, '{ teams { nodes { slug } } }', {}, token)
    expect(refused.errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
  })

  it('is renamed', async () => {
    const slug = await team()
    const { team: changed } = await change('updateTeam', { slug, description: 'They do.' }, 'team { name description }')
    expect(changed).toEqual({ name: 'A team', description: 'They do.' })
  })

  it('goes, unless it is the last one', async () => {
    const { token } = await addToken(server)
    for (const slug of ['first', 'second']) await change('createTeam', { slug, name: 'x' }, '', token)
    const codes = await Promise.all(['first', 'second'].map((slug) => change('deleteTeam', { slug }, '', token)))
    expect(codes.map(({ code }) => code).sort()).toEqual(['LAST_TEAM', undefined])
  })
})

describe('what is done about people', () => {
  it('is visible to those who may read the audit log, and to nobody else', async () => {
    const email = await person()
    const types = '{ events(types: ["auth.user_created"], first: 200) { nodes { type data } } }'
    const [event] = await toldEvents(server, ['auth.user_created'], ({ data }) => data['email'] === email)
    expect(event?.data).toEqual({ email, role: 'MEMBER' })
    const { token } = await addToken(server, { accountId: await ownAccount(server), scopes: ['events:read'] })
    expect((await graphql(server, types, {}, token)).errors?.[0]?.message).toBe('This needs the scope audit:read.')
    const all = await graphql<{ events: { nodes: { type: string }[] } }>(
      server,
      '{ events(first: 200) { nodes { type } } }',
      {},
      token,
    )
    expect(all.data?.events.nodes.filter(({ type }) => type.startsWith('auth.'))).toEqual([])
  })
})
