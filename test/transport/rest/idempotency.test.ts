import { afterAll, beforeAll, expect, it } from 'vitest'
import { clientOf } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'

let server: TestServer
let rest: ReturnType<typeof clientOf>
beforeAll(async () => {
  server = await sharedServer()
  rest = clientOf(server)
  await rest.ask('POST /api/users', { body: { email: 'member@example.com' } })
  await rest.ask('POST /api/teams', { body: { name: 'x', slug: 'with-members' } })
})
afterAll(() => server.close())

it.each([
  ['POST /api/users', { email: 'keyed@example.com' }, { email: 'other@example.com' }],
  ['POST /api/teams', { name: 'x', slug: 'keyed' }, { name: 'x', slug: 'other' }],
  ['POST /api/teams/with-members/members', { email: 'member@example.com' }, { email: 'keyed@example.com' }],
  ['POST /api/key-value', { key: 'keyed', value: { a: [1, null] }, ttl: 600 }, { key: 'keyed', value: 2 }],
  ['POST /api/doc-store/docs/keyed', { value: { a: [1, null] }, ttl: 600 }, { value: 2 }],
  ['POST /api/doc-store/collections/keyed%2Fhere/docs/keyed', { value: 'a', version: 0 }, { value: 'a' }],
])('Idempotency-Key makes %s safe to be sent again', async (call, body, other) => {
  const headers = { 'idempotency-key': call.replaceAll(' ', '-') }
  const first = await rest.ask(call, { body, headers })
  const second = await rest.ask(call, { body, headers })
  expect([first.status, second.status, second.body]).toEqual([201, 201, first.body])
  const reused = await rest.ask(call, { body: other, headers })
  expect([reused.status, reused.body['code']]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED'])
})

it('Idempotency-Key of an upsert lets it be done once', async () => {
  const options = { body: { key: 'upserted', value: 1 }, headers: { 'idempotency-key': 'upsert' } }
  const first = await rest.ask('POST /api/key-value/upsert', options)
  await rest.ask('POST /api/key-value/upsert', { body: { key: 'upserted', value: 2 } })
  expect(await rest.ask('POST /api/key-value/upsert', options)).toMatchObject({ status: 200, body: first.body })
  expect(await rest.ask('GET /api/key-value/upserted')).toMatchObject({ body: { value: 2, version: 2 } })
})

it('Idempotency-Key does not show a token twice', async () => {
  const options = { body: { name: 'keyed' }, headers: { 'idempotency-key': 'token' } }
  const first = await rest.ask('POST /api/application-tokens', options)
  const second = await rest.ask('POST /api/application-tokens', options)
  expect([first.status, second.status, second.body['code']]).toEqual([201, 409, 'TOKEN_SHOWN'])
  const rotate = `POST /api/application-tokens/${first.body['id']}/rotate`
  const again = { headers: { 'idempotency-key': 'rotation' } }
  expect((await rest.ask(rotate, again)).status).toBe(201)
  expect(await rest.ask(rotate, again)).toMatchObject({ status: 409, body: { code: 'TOKEN_SHOWN' } })
})

it('Idempotency-Key is named as the header where it is wrong', async () => {
  const headers = { 'idempotency-key': 'two words' }
  const { status, body } = await rest.ask('POST /api/users', { body: { email: 'x@example.com' }, headers })
  expect({ status, detail: body['detail'], issues: body['issues'] }).toEqual({
    status: 422,
    detail: 'The idempotency key is not valid. Idempotency-Key: must be 1 to 255 visible ASCII characters.',
    issues: [{ path: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters' }],
  })
})
