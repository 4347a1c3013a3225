import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf, makeToken, nextPage, type RestClient, signInPerson } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let rest: RestClient
beforeAll(async () => {
  server = await sharedServer()
  rest = clientOf(server)
  for (const name of ['one', 'two', 'three'])
    await rest.ask('POST /api/application-tokens', { body: { name }, headers: { 'x-request-id': `make-${name}` } })
  await until(async () => (await list('requestId=make-three')).length === 1)
})
afterAll(() => server.close())

interface Entry {
  readonly seq: number
  readonly type: string
  readonly requestId: string
  readonly data: { readonly name?: string }
}

async function list(query: string): Promise<Entry[]> {
  const { status, body } = await rest.ask<Entry[]>(`GET /api/audit?${query}`)
  expect(status).toBe(200)
  return body
}

describe('GET /api/audit', () => {
  it('lists entries, newest first, a page at a time', async () => {
    const page = await rest.ask<Entry[]>('GET /api/audit?type=auth.token_created&limit=2')
    expect(page.body.map(({ data }) => data.name)).toEqual(['three', 'two'])
    expect(page.body[0]).toMatchObject({ outcome: 'SUCCEEDED', operation: { name: 'CreateApplicationToken' } })
    const next = await rest.ask<Entry[]>(`GET ${nextPage(page)}`)
    expect(next.body[0]?.data.name).toBe('one')
    expect((await list('type=auth.token_created&limit=1&offset=2'))[0]?.data.name).toBe('one')
  })

  it('selects', async () => {
    expect(await list('requestId=make-two&type=auth.*&outcome=succeeded&subject=token:*')).toHaveLength(1)
    expect(await list('requestId=make-two&outcome=refused')).toEqual([])
    expect((await list('order=oldest&limit=1'))[0]?.seq).toBe(1)
    expect((await rest.ask('GET /api/audit?outcome=maybe')).status).toBe(400)
    expect((await rest.ask('GET /api/audit?subject=a*b')).status).toBe(422)
  })

  it('is for those who may read it', async () => {
    const token = await makeToken(server, ['access:admin'], 'same')
    expect((await rest.ask('GET /api/audit', { token })).status).toBe(403)
    expect((await rest.ask('GET /api/audit', { token: null })).status).toBe(401)
    const member = await signInPerson(server, 'MEMBER')
    expect((await rest.ask('GET /api/audit', { token: member.token })).body).toMatchObject({
      message: 'Forbidden - Requires role: owner',
    })
  })
})
