import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql } from '#test/support/graphql.ts'
import { addPerson, signIn } from '#test/support/people.ts'
import { clientOf, startRestServer } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'

let server: TestServer
let rest: ReturnType<typeof clientOf>
beforeAll(async () => {
  server = await startRestServer()
  rest = clientOf(server)
})
afterAll(() => server.close())

interface Listed {
  readonly id: string
  readonly email: string
  readonly current: boolean
}

describe.each(['/api', '/sfp/api'])('%s/auth/sessions', (prefix) => {
  it('lists one’s own, pages, and ends one and all others', async () => {
    const email = await addPerson(server)
    const { accessToken: token } = await signIn(server, email)
    for (const agent of ['a', 'b', 'c']) await signIn(server, email, undefined, agent)
    const { body } = await rest.ask<Listed[]>(`GET ${prefix}/auth/sessions`, { token })
    expect(body.map(({ current }) => current)).toEqual([false, false, false, true])
    const page = await rest.ask<Listed[]>(`GET ${prefix}/auth/sessions?limit=1&offset=1`, { token })
    expect(page.body.map(({ id }) => id)).toEqual([body[1]?.id])
    expect(page.headers.get('link')).toMatch(/rel="next"/)
    const one = await rest.ask(`DELETE ${prefix}/auth/sessions/${body[0]?.id}`, { token })
    expect([one.status, one.body]).toEqual([200, { success: true }])
    expect((await rest.ask(`DELETE ${prefix}/auth/sessions/${body[0]?.id}`, { token })).status).toBe(404)
    expect((await rest.ask(`DELETE ${prefix}/auth/sessions`, { token })).body).toEqual({ count: 2 })
    expect((await rest.ask<Listed[]>(`GET ${prefix}/auth/sessions?email=${email}`)).body).toMatchObject([{ email }])
    const other = await signIn(server, await addPerson(server))
    const refused = await rest.ask(`GET ${prefix}/auth/sessions?email=${email}`, { token: other.accessToken })
    expect([refused.status, refused.body['message']]).toEqual([403, 'Forbidden - Requires role: owner'])
  })
})

describe('POST /auth/admin/login', () => {
  it('creates a session limited to the requested scopes', async () => {
    const email = await addPerson(server)
    const body = { email, password: 'correct horse battery staple', scopes: ['events:read'] }
    const signedIn = await rest.ask<{ access_token: string }>('POST /api/auth/admin/login', { body, token: null })
    const refused = await rest.ask('GET /api/tasks', { token: signedIn.body.access_token })
    expect([signedIn.status, refused.status]).toEqual([200, 403])
    const more = { ...body, scopes: ['access:admin'] }
    expect((await rest.ask('POST /api/auth/admin/login', { body: more, token: null })).status).toBe(403)
  })
})

describe('POST /auth/device', () => {
  it('begins to wait for a person, and is answered once they have approved', async () => {
    const body = { client_name: 'pipeline', scopes: ['tasks:read'] }
    const { status, body: begun } = await rest.ask<Record<string, string>>('POST /api/auth/device', {
      body,
      token: null,
    })
    expect([status, begun]).toEqual([
      200,
      {
        device_code: expect.stringMatching(/^sbd_/),
        user_code: expect.stringMatching(/^\w{4}-\w{4}$/),
        verification_uri: `${server.url}/device`,
        verification_uri_complete: `${server.url}/device?user_code=${begun['user_code']}`,
        expires_in: expect.any(Number),
        interval: 3,
      },
    ])
    const question = { body: { device_code: begun['device_code'] }, token: null }
    const ask = () => rest.ask<Record<string, unknown>>('POST /sfp/api/auth/device/token', question)
    expect(await ask()).toMatchObject({ status: 409, body: { code: 'AUTHORIZATION_PENDING' } })
    expect(await ask()).toMatchObject({ status: 429, body: { code: 'SLOW_DOWN' } })
    const { accessToken } = await signIn(server, await addPerson(server))
    const approve = 'mutation($code: String!) { approveDevice(input: { userCode: $code }) { __typename } }'
    await graphql(server, approve, { code: begun['user_code'] }, accessToken)
    await server.database.query('UPDATE device_sign_in SET asked_at = NULL')
    expect(await ask()).toMatchObject({ status: 200, body: { success: true, user: { role: 'member' } } })
    expect(await ask()).toMatchObject({ status: 410, body: { code: 'EXPIRED_TOKEN' } })
  })

  it('says what is wrong in its own words', async () => {
    const { status, body } = await rest.ask('POST /api/auth/device', { body: { client_name: '' }, token: null })
    expect([status, body['issues']]).toEqual([422, [{ path: 'client_name', message: 'must not be empty' }]])
  })
})
