import { afterAll, beforeAll, expect, it } from 'vitest'
import { get, put } from '#test/support/documents.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { ROLES: 'api' } })
})
afterAll(() => server.close())

it('a small request makes at most 64 MiB of documents', async () => {
  const name = { collection: 'large', key: 'one' }
  await put(server, name.key, { text: 'x'.repeat(1_000_000) }, { collection: name.collection })
  const patches = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ patch: { ...name, mergePatch: { n } } }))
  const write = async (count: number) =>
    (
      await graphqlData<{ writeDocuments: { message?: string } }>(
        server,
        `mutation ($writes: [DocumentWrite!]!) {
           writeDocuments(input: { writes: $writes }) { ... on Failure { message } }
         }`,
        { writes: patches(count) },
      )
    ).writeDocuments
  expect(await write(100)).toEqual({
    message: 'The written documents have more than 67108864 bytes in total: send fewer at once.',
  })
  expect((await get(server, name.key, { collection: name.collection }))?.version).toBe(1)
  expect(await write(10)).toEqual({})
  expect((await get(server, name.key, { collection: name.collection }))?.version).toBe(11)
})
