import { afterAll, beforeAll, expect, it } from 'vitest'
import { get, put, write } from '#test/support/documents.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { ROLES: 'api', QUOTA_STORED_BYTES: '10000' } })
})
afterAll(() => server.close())

it('counts every version of a document as stored, until its collection is gone', async () => {
  const data = 'x'.repeat(3_000)
  for (let version = 1; version <= 3; version += 1) await put(server, 'large', data)
  const refused = await write(server, 'putDocument', { key: 'large', data })
  expect(refused).toMatchObject({ code: 'QUOTA_EXCEEDED' })
  expect(await get(server, 'large')).toMatchObject({ version: 3 })
  await graphqlData(server, 'mutation { deleteCollection(input: { path: "default" }) { __typename } }')
  await until(async () => (await write(server, 'putDocument', { key: 'large', data })).document !== undefined)
})
