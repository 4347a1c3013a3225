import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf, makeToken, nextPage, type RestClient, signInPerson } from '#test/support/rest.ts'
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

interface Team {
  readonly id: string
  readonly slug: string
}

interface Members {
  readonly members: { readonly email: string; readonly role: string }[]
  readonly total: number
}

let count = 0
async function person(): Promise<string> {
  count += 1
  const email = `person-${count}@example.com`
  await rest.ask('POST /api/users', { body: { email, firstName: 'Ada', lastName: 'Lovelace' } })
  return email
}

async function team(): Promise<string> {
  count += 1
  const slug = `team-${count}`
  const { status } = await rest.ask('POST /api/teams', { body: { slug, name: 'A team' } })
  expect(status).toBe(201)
  return slug
}

const add = (slug: string, email: string, role?: string) =>
  rest.ask(`POST /api/teams/${slug}/members`, { body: { email, ...(role && { role }) } })

const membersOf = async (slug: string, query = '') =>
  (await rest.ask<Members>(`GET /api/teams/${slug}/members${query}`)).body

describe('POST /teams', () => {
  it.each(['/api', '/sfp/api'])('creates a team, under %s', async (prefix) => {
    count += 1
    const body = { name: ' Engine', slug: `engine-${count}`, description: 'They build it.' }
    expect(await rest.ask(`POST ${prefix}/teams`, { body })).toMatchObject({
      status: 201,
      body: {
        success: true,
        team: { ...body, name: 'Engine', id: expect.any(String), createdAt: expect.stringMatching(/Z$/) },
      },
    })
  })

  it('makes a person who asks for it its owner', async () => {
    const { email, token } = await signInPerson(server, 'OWNER')
    await rest.ask('POST /api/teams', { body: { name: 'Mine', slug: 'mine' }, token })
    expect((await membersOf('mine')).members).toMatchObject([{ email, role: 'owner' }])
  })

  it.each([
    [{ slug: 'x' }, 'name'],
    [{ name: 'x' }, 'slug'],
    [{ name: '', slug: 'x' }, 'name'],
    [{ name: 'x', slug: 'A B' }, 'slug'],
    [{ name: 'x', slug: 'x', description: 'x'.repeat(501) }, 'description'],
  ])('refuses %j', async (body, path) => {
    expect(await rest.ask('POST /api/teams', { body })).toMatchObject({
      status: 422,
      body: { code: 'INVALID_INPUT', issues: [{ path }] },
    })
  })

  it('refuses a slug that is taken', async () => {
    const slug = await team()
    expect(await rest.ask('POST /api/teams', { body: { name: 'x', slug } })).toMatchObject({
      status: 409,
      body: { code: 'ALREADY_EXISTS' },
    })
  })
})

describe('GET /teams', () => {
  it.each(['/api', '/sfp/api'])('lists teams, oldest first, under %s', async (prefix) => {
    const slugs = [await team(), await team()]
    const all = await rest.ask<Team[]>(`GET ${prefix}/teams?limit=200`)
    expect(all.status).toBe(200)
    const listed = all.body.map(({ slug }) => slug)
    expect(listed.slice(-2)).toEqual(slugs)
    const first = await rest.ask<Team[]>(`GET ${prefix}/teams?limit=1&offset=1`)
    expect(first.body.map(({ slug }) => slug)).toEqual(listed.slice(1, 2))
    const second = await rest.ask<Team[]>(`GET ${nextPage(first)}`)
    expect(second.body.map(({ slug }) => slug)).toEqual(listed.slice(2, 3))
    expect(await rest.ask(`GET ${prefix}/teams?limit=0`)).toMatchObject({ status: 400 })
  })
})

describe('DELETE /teams/{slug}', () => {
  it.each(['/api', '/sfp/api'])('deletes a team, once, under %s', async (prefix) => {
    await team()
    const slug = await team()
    expect(await rest.ask(`DELETE ${prefix}/teams/${slug}`)).toMatchObject({ status: 200, body: { success: true } })
    expect(await rest.ask(`DELETE ${prefix}/teams/${slug}`)).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND' },
    })
  })

  it('leaves the last one', async () => {
    const { token } = await addToken(server)
    await rest.ask('POST /api/teams', { body: { name: 'x', slug: 'only' }, token })
    expect(await rest.ask('DELETE /api/teams/only', { token })).toMatchObject({
      status: 409,
      body: { code: 'LAST_TEAM' },
    })
  })
})

describe('the members of a team', () => {
  it.each(['/api', '/sfp/api'])('come, change their role, and go, under %s', async (prefix) => {
    const [slug, owner, email] = [await team(), await person(), await person()]
    const base = `${prefix}/teams/${slug}/members`
    await add(slug, owner, 'owner')
    const { body } = await rest.ask<{ id: string }>(`GET ${prefix}/users/${email}`)
    const membership = {
      user_id: body.id,
      account_id: expect.any(String),
      email,
      first_name: 'Ada',
      last_name: 'Lovelace',
      role: 'member',
      created_at: expect.stringMatching(/Z$/),
    }
    expect(await rest.ask(`POST ${base}`, { body: { email: email.toUpperCase() } })).toMatchObject({
      status: 201,
      body: { success: true, membership },
    })
    expect(await rest.ask(`GET ${base}?role=member`)).toMatchObject({
      status: 200,
      body: { members: [membership], total: 1 },
    })
    expect(await rest.ask(`PUT ${base}/${email}/role`, { body: { role: 'owner' } })).toMatchObject({
      status: 200,
      body: { success: true, membership: { ...membership, role: 'owner' } },
    })
    expect(await rest.ask(`DELETE ${base}/${email}`)).toMatchObject({ status: 200, body: { success: true } })
    expect((await membersOf(slug)).members.map((member) => member.email)).toEqual([owner])
  })

  it('are listed ten at a time, in the order in which they came', async () => {
    const slug = await team()
    const emails = []
    for (let more = 0; more < 12; more += 1) {
      const email = await person()
      await add(slug, email)
      emails.push(email)
    }
    const first = await rest.ask<Members>(`GET /api/teams/${slug}/members`)
    expect(first.body).toMatchObject({ total: 12, members: emails.slice(0, 10).map((email) => ({ email })) })
    const second = await rest.ask<Members>(`GET ${nextPage(first)}`)
    expect(second.body.members.map(({ email }) => email)).toEqual(emails.slice(10))
    expect(nextPage(second)).toBeUndefined()
    expect((await membersOf(slug, '?limit=2&offset=5')).members.map(({ email }) => email)).toEqual(emails.slice(5, 7))
    for (const query of ['?limit=0', '?limit=201', '?role=boss'])
      expect(await rest.ask(`GET /api/teams/${slug}/members${query}`)).toMatchObject({ status: 400 })
  })

  it('are people of the account, each once', async () => {
    const [slug, email] = [await team(), await person()]
    await add(slug, email)
    expect(await add(slug, email)).toMatchObject({ status: 409, body: { code: 'ALREADY_EXISTS' } })
    expect(await add(slug, 'nobody@example.com')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    expect(await add(slug, await person(), 'boss')).toMatchObject({ status: 422, body: { issues: [{ path: 'role' }] } })
    expect(await rest.ask(`POST /api/teams/${slug}/members`, { body: {} })).toMatchObject({
      status: 422,
      body: { issues: [{ path: 'email' }] },
    })
  })

  it('keep an owner', async () => {
    const [slug, email] = [await team(), await person()]
    await add(slug, email, 'owner')
    const lastOwner = { status: 409, body: { code: 'LAST_OWNER' } }
    const member = `/api/teams/${slug}/members/${email}`
    expect(await rest.ask(`DELETE ${member}`)).toMatchObject(lastOwner)
    expect(await rest.ask(`PUT ${member}/role`, { body: { role: 'member' } })).toMatchObject(lastOwner)
    expect(await rest.ask(`PUT ${member}/role`, { body: {} })).toMatchObject({ status: 422 })
  })

  it('may leave, and raise no role of their own', async () => {
    const slug = await team()
    const { email, token } = await signInPerson(server, 'OWNER')
    await add(slug, email)
    const own = `/api/teams/${slug}/members/${email}`
    expect(await rest.ask(`PUT ${own}/role`, { body: { role: 'owner' }, token })).toMatchObject({
      status: 403,
      body: { code: 'OWN_ROLE' },
    })
    expect(await rest.ask(`DELETE ${own}`, { token })).toMatchObject({ status: 200 })
  })

  it('are managed by the team’s own owners', async () => {
    const slug = await team()
    const { email, token } = await signInPerson(server, 'MEMBER')
    await add(slug, email, 'owner')
    const body = { email: await person() }
    expect((await rest.ask(`POST /api/teams/${slug}/members`, { body, token })).status).toBe(201)
  })

  it.each([
    ['GET /api/teams/SLUG/members', undefined],
    ['POST /api/teams/SLUG/members', { email: 'EMAIL' }],
    ['PUT /api/teams/SLUG/members/EMAIL/role', { role: 'owner' }],
    ['DELETE /api/teams/SLUG/members/EMAIL', undefined],
  ])('are not found where there is no such team or member: %s', async (call, body) => {
    const [slug, email] = [await team(), await person()]
    const ask = (where: string, who: string, token = server.token) =>
      rest.ask(call.replace('SLUG', where).replace('EMAIL', who), {
        ...(body && { body: JSON.stringify(body).replace('EMAIL', who) }),
        token,
      })
    const missing = { status: 404, body: { code: 'NOT_FOUND' } }
    expect(await ask('no-such-team', email)).toMatchObject(missing)
    if (!call.startsWith('GET')) expect(await ask(slug, 'nobody@example.com')).toMatchObject(missing)
    expect(await ask(slug, email, (await addToken(server)).token)).toMatchObject(missing)
  })
})

describe('teams', () => {
  it('are not there for another account', async () => {
    const slug = await team()
    const { token } = await addToken(server)
    expect(await rest.ask('GET /api/teams', { token })).toMatchObject({ status: 200, body: [] })
    expect(await rest.ask(`DELETE /api/teams/${slug}`, { token })).toMatchObject({ status: 404 })
  })

  it.each([
    ['POST /api/teams', { name: 'x', slug: 'x' }],
    ['DELETE /api/teams/SLUG', undefined],
    ['POST /api/teams/SLUG/members', { email: 'EMAIL' }],
    ['PUT /api/teams/SLUG/members/EMAIL/role', { role: 'owner' }],
    ['DELETE /api/teams/SLUG/members/EMAIL', undefined],
  ])('are changed by who administers access: %s', async (call, body) => {
    const [slug, email] = [await team(), await person()]
    await add(slug, await person(), 'owner')
    await add(slug, email)
    const ask = (token: string | null) =>
      rest.ask(call.replace('SLUG', slug).replace('EMAIL', email), {
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
