import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addPerson, signIn } from '#test/support/people.ts'
import type { TestServer } from '#test/support/server.ts'
import { clientOf, startRestServer } from './rest.ts'

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
  it('makes a session that may no more than is asked for', async () => {
    const email = await addPerson(server)
    const body = { email, password: 'correct horse battery staple', scopes: ['events:read'] }
    const signedIn = await rest.ask<{ access_token: string }>('POST /api/auth/admin/login', { body, token: null })
    const refused = await rest.ask('GET /api/tasks', { token: signedIn.body.access_token })
    expect([signedIn.status, refused.status]).toEqual([200, 403])
    const more = { ...body, scopes: ['access:admin'] }
    expect((await rest.ask('POST /api/auth/admin/login', { body: more, token: null })).status).toBe(403)
  })
})
