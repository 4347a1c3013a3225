import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf, makeToken, nextPage, type RestAnswer, type RestClient, signInPerson } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { addToken } from '#test/support/tokens.ts'

let server: TestServer
let rest: RestClient
beforeAll(async () => {
  server = await sharedServer()
  rest = clientOf(server)
})
afterAll(() => server.close())

interface User {
  readonly id: string
  readonly firstName: string
  readonly lastName: string
  readonly email: string
  readonly role: string
  readonly teams: string[]
}

let count = 0
/** A person of the account; returns their address. */
async function person(more: object = {}): Promise<string> {
  count += 1
  const email = `person-${String(count).padStart(3, '0')}@example.com`
  const { status } = await rest.ask('POST /api/users', { body: { email, ...more } })
  expect(status).toBe(201)
  return email
}

async function team(...members: string[]): Promise<string> {
  count += 1
  const slug = `team-${count}`
  await rest.ask('POST /api/teams', { body: { slug, name: slug } })
  for (const email of members) await rest.ask(`POST /api/teams/${slug}/members`, { body: { email } })
  return slug
}

const emails = ({ body }: RestAnswer<User[]>) => body.map(({ email }) => email)

describe('POST /users', () => {
  it.each(['/api', '/sfp/api'])('lets a person in, and says where they are, under %s', async (prefix) => {
    count += 1
    const body = { email: ` Ada+${count}@Example.com`, firstName: 'Ada', lastName: 'Lovelace', role: 'owner' }
    const made = await rest.ask<User>(`POST ${prefix}/users`, { body })
    const user = {
      id: expect.any(String),
      firstName: 'Ada',
      lastName: 'Lovelace',
      email: `ada+${count}@example.com`,
      role: 'owner',
      teams: [],
    }
    expect(made).toMatchObject({ status: 201, body: { success: true, ...user, user } })
    const location = made.headers.get('location')
    expect(location).toBe(`${prefix}/users/ada%2B${count}%40example.com`)
    expect(await rest.ask(`GET ${location}`)).toMatchObject({ status: 200, body: user })
  })

  it('takes who is only named for a member', async () => {
    const email = await person()
    expect((await rest.ask(`GET /api/users/${email}`)).body).toMatchObject({
      firstName: '',
      lastName: '',
      role: 'member',
    })
  })

  it.each([
    [{}, 'email'],
    [{ email: 'nobody' }, 'email'],
    [{ email: 'x@example.com', firstName: 'x'.repeat(101) }, 'firstName'],
    [{ email: 'x@example.com', role: 'OWNER' }, 'role'],
    [{ email: 'x@example.com', role: 'application' }, 'role'],
    [{ email: 'x@example.com', first_name: 'x' }, ''],
  ])('refuses %j', async (body, path) => {
    expect(await rest.ask('POST /api/users', { body })).toMatchObject({
      status: 422,
      body: { code: 'INVALID_INPUT', issues: [{ path }] },
    })
  })

  it('refuses an address that somebody has', async () => {
    const email = await person()
    expect(await rest.ask('POST /api/users', { body: { email: email.toUpperCase() } })).toMatchObject({
      status: 409,
      body: { code: 'ALREADY_EXISTS' },
    })
  })
})

describe('GET /users', () => {
  it.each(['/api', '/sfp/api'])('lists people by address, ten at a time, under %s', async (prefix) => {
    for (let more = 0; more < 6; more += 1) await person()
    const slug = await team(await person())
    const first = await rest.ask<User[]>(`GET ${prefix}/users`)
    expect(first.status).toBe(200)
    expect(first.body).toHaveLength(10)
    const seen = emails(first)
    for (let next = nextPage(first); next !== undefined; ) {
      expect(next.startsWith(`${prefix}/users?`)).toBe(true)
      const page = await rest.ask<User[]>(`GET ${next}`)
      seen.push(...emails(page))
      next = nextPage(page)
    }
    expect(seen).toEqual(seen.toSorted())
    expect(new Set(seen).size).toBe(seen.length)
    expect(emails(await rest.ask<User[]>(`GET ${prefix}/users?limit=2&offset=3`))).toEqual(seen.slice(3, 5))
    const [user] = (await rest.ask<User[]>(`GET ${prefix}/users?team=${slug}`)).body
    expect(user?.teams).toEqual([slug])
  })

  it('filters by team and role', async () => {
    const [owner, member] = [await person({ role: 'owner' }), await person()]
    const slug = await team(owner, member)
    expect(emails(await rest.ask<User[]>(`GET /api/users?team=${slug}`))).toEqual([owner, member])
    expect(emails(await rest.ask<User[]>(`GET /api/users?team=${slug}&offset=1`))).toEqual([member])
    expect(emails(await rest.ask<User[]>(`GET /api/users?team=${slug}&role=owner`))).toEqual([owner])
    expect(await rest.ask('GET /api/users?team=no-such-team')).toMatchObject({ status: 200, body: [] })
  })

  it.each(['limit=0', 'limit=201', 'role=boss', 'cursor=x', 'cursor=x&offset=1'])('refuses %s', async (query) => {
    expect(await rest.ask(`GET /api/users?${query}`)).toMatchObject({ status: 400 })
  })
})

describe('GET /users/me', () => {
  it.each(['/api', '/sfp/api'])('says who a person is, under %s', async (prefix) => {
    const { email, token } = await signInPerson(server, 'MEMBER')
    const slug = await team(email)
    expect(await rest.ask(`GET ${prefix}/users/me`, { token })).toMatchObject({
      status: 200,
      body: { email, role: 'member', teams: [slug] },
    })
  })

  it('refuses an application token, which is not a person', async () => {
    expect(await rest.ask('GET /api/users/me')).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND', detail: expect.stringContaining('the application token "owner", not a person') },
    })
  })
})

describe('GET /users/{email}', () => {
  it('finds by address, whatever its case, and by id', async () => {
    const email = await person()
    const { body } = await rest.ask<User>(`GET /sfp/api/users/${email.toUpperCase()}`)
    expect(body.email).toBe(email)
    expect((await rest.ask(`GET /api/users/${body.id}`)).body).toEqual(body)
  })

  it.each(['nobody@example.com', 'nobody', '%00'])('does not find %s', async (email) => {
    expect(await rest.ask(`GET /api/users/${email}`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  })
})

describe('PUT /users/{email}', () => {
  it.each(['/api', '/sfp/api'])('changes what is given, and leaves the rest, under %s', async (prefix) => {
    const email = await person({ firstName: 'Ada', lastName: 'Byron' })
    const user = { email, firstName: 'Ada', lastName: 'Lovelace', role: 'owner' }
    const body = { lastName: 'Lovelace', role: 'owner' }
    expect(await rest.ask(`PUT ${prefix}/users/${email}`, { body })).toMatchObject({
      status: 200,
      body: { success: true, ...user, user },
    })
    expect((await rest.ask(`GET ${prefix}/users/${email}`)).body).toMatchObject(user)
  })

  it('lets people change their own names, and raise no role of their own', async () => {
    const { email, token } = await signInPerson(server, 'MEMBER')
    const put = (body: object, who = email) => rest.ask(`PUT /api/users/${who}`, { body, token })
    expect(await put({ firstName: 'Grace' })).toMatchObject({ status: 200, body: { firstName: 'Grace' } })
    expect(await put({ role: 'owner' })).toMatchObject({
      status: 403,
      body: { message: 'Forbidden - Requires role: owner' },
    })
    expect(await put({ firstName: 'x' }, await person())).toMatchObject({
      status: 403,
      body: { message: 'Forbidden - Requires role: owner' },
    })
  })

  it('refuses nonsense, and whom there is not', async () => {
    const email = await person()
    const put = (who: string, body: object) => rest.ask(`PUT /api/users/${who}`, { body })
    expect(await put(email, { firstName: 'x'.repeat(101) })).toMatchObject({
      status: 422,
      body: { issues: [{ path: 'firstName' }] },
    })
    expect(await put(email, { email: 'new@example.com' })).toMatchObject({ status: 422 })
    expect(await put('nobody@example.com', { firstName: 'x' })).toMatchObject({ status: 404 })
  })
})

describe('DELETE /users', () => {
  it.each(['/api', '/sfp/api'])('lets a person go, named in the path or in the body, under %s', async (prefix) => {
    const [one, other] = [await person(), await person()]
    const calls = [
      () => rest.ask(`DELETE ${prefix}/users/${one}`),
      () => rest.ask(`DELETE ${prefix}/users`, { body: { email: other } }),
    ]
    for (const call of calls) {
      expect(await call()).toMatchObject({ status: 200, body: { success: true } })
      expect(await call()).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    }
    expect(await rest.ask(`DELETE ${prefix}/users`, { body: {} })).toMatchObject({ status: 422 })
  })

  it('leaves the last owner, of the account as of a team', async () => {
    const { token } = await addToken(server)
    const body = { email: 'only@other.example', role: 'owner' }
    await rest.ask('POST /api/users', { body, token })
    const lastOwner = { status: 409, body: { code: 'LAST_OWNER' } }
    expect(await rest.ask(`DELETE /api/users/${body.email}`, { token })).toMatchObject(lastOwner)
    expect(await rest.ask(`PUT /api/users/${body.email}`, { token, body: { role: 'member' } })).toMatchObject(lastOwner)
    const email = await person()
    const slug = await team()
    await rest.ask(`POST /api/teams/${slug}/members`, { body: { email, role: 'owner' } })
    expect(await rest.ask(`DELETE /api/users/${email}`)).toMatchObject(lastOwner)
  })
})

describe('users', () => {
  it('are not there for another account', async () => {
    const email = await person()
    const { token } = await addToken(server)
    expect(await rest.ask('GET /api/users', { token })).toMatchObject({ status: 200, body: [] })
    for (const call of ['GET', 'PUT', 'DELETE']) {
      const body = call === 'PUT' ? { body: { firstName: 'x' } } : {}
      expect(await rest.ask(`${call} /api/users/${email}`, { ...body, token })).toMatchObject({ status: 404 })
    }
    expect(await rest.ask('DELETE /api/users', { body: { email }, token })).toMatchObject({ status: 404 })
  })

  it.each([
    ['GET /api/users', undefined],
    ['POST /api/users', { email: 'no@example.com' }],
    ['GET /api/users/EMAIL', undefined],
    ['PUT /api/users/EMAIL', { firstName: 'x' }],
    ['DELETE /api/users/EMAIL', undefined],
    ['DELETE /api/users', { email: 'EMAIL' }],
  ])('are for who administers access: %s', async (call, body) => {
    const email = await person()
    const ask = (token: string | null) =>
      rest.ask(call.replace('EMAIL', email), {
        ...(body && { body: JSON.stringify(body).replace('EMAIL', email) }),
        token,
      })
    expect((await ask(null)).status).toBe(401)
    expect(await ask(await makeToken(server, ['tasks:admin'], 'same'))).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', detail: 'This needs the scope access:admin.' },
    })
    expect(await ask((await signInPerson(server, 'MEMBER')).token)).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', detail: 'Forbidden - Requires role: owner' },
    })
  })
})
