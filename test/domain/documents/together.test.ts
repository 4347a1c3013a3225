import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { get, put, type ToldDocument } from '#test/support/documents.ts'
import { graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

interface Told {
  readonly documents?: readonly ToldDocument[]
  readonly code?: string
  readonly message?: string
  readonly refusals?: readonly {
    readonly index: number
    readonly code: string
    readonly currentVersion: number | null
  }[]
}

const together = async (writes: readonly object[]): Promise<Told> => {
  const { writeDocuments } = await graphqlData<{ writeDocuments: Told }>(
    server,
    `mutation ($writes: [DocumentWrite!]!) { writeDocuments(input: { writes: $writes }) {
      ... on WriteDocumentsPayload { documents { collection key version data deleted } } ... on Failure { code message }
      ... on WritesRefused { refusals { index code currentVersion by { name } } } } }`,
    { writes },
  )
  return writeDocuments
}

describe('several writes', () => {
  it('are done together, in any collections, each on what those before it have made', async () => {
    await put(server, 'old', { a: 1 })
    const { documents } = await together([
      { put: { collection: 'x/y', key: 'new', data: 1, expectedVersion: 0 } },
      {
        patch: {
          collection: 'x/y',
          key: 'new',
          jsonPatch: [{ op: 'replace', path: '', value: 2 }],
          expectedVersion: 1,
        },
      },
      { delete: { key: 'old' } },
      { restore: { key: 'old', version: 1 } },
      { restore: { collection: 'x/y', key: 'new', version: 1 } },
    ])
    expect(documents).toMatchObject([
      { collection: 'x/y', version: 1, data: 1 },
      { version: 2, data: 2 },
      { key: 'old', version: 2, deleted: true },
      { version: 3, data: { a: 1 } },
      { version: 3, data: 1 },
    ])
    expect(await get(server, 'new', { collection: 'x/y', version: 2 })).toMatchObject({ data: 2 })
  })

  it('are all refused when some can’t be done, and each of those is reported', async () => {
    await put(server, 'a', 1)
    await put(server, 'b', 1)
    await put(server, 'b', 2)
    const answer = await together([
      { put: { key: 'a', data: 'lost', expectedVersion: 1 } },
      { put: { key: 'b', data: 'lost', expectedVersion: 1 } },
      { delete: { key: 'nowhere' } },
      { put: { collection: 'never/made', key: 'c', data: 'lost' } },
    ])
    expect(answer).toMatchObject({
      code: 'VERSION_CONFLICT',
      refusals: [
        { index: 1, code: 'VERSION_CONFLICT', currentVersion: 2, by: { name: 'owner' } },
        { index: 2, code: 'NOT_FOUND', currentVersion: null },
      ],
    })
    expect(await get(server, 'a')).toMatchObject({ version: 1, data: 1 })
    expect(await get(server, 'c', { collection: 'never/made' })).toBeNull()
  })

  it('of 500 are taken, and of more refused', async () => {
    const writes = Array.from({ length: 500 }, (_, index) => ({
      put: { collection: 'many', key: `k${index}`, data: index },
    }))
    expect((await together(writes)).documents).toHaveLength(500)
    expect(await together([...writes, { delete: { key: 'a' } }])).toMatchObject({ code: 'INVALID_INPUT' })
    expect(await together([{ put: { key: '..', data: 1 } }])).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('Write 0'),
    })
  })

  it('that cross those of others wait for them, and never stand in each other’s way', async () => {
    const keys = Array.from({ length: 20 }, (_, index) => `crossed-${index}`)
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, round) =>
        together((round % 2 === 0 ? keys : keys.toReversed()).map((key) => ({ put: { key, data: round } }))),
      ),
    )
    expect(answers.filter(({ documents }) => documents !== undefined)).toHaveLength(12)
    for (const key of keys) expect(await get(server, key)).toMatchObject({ version: 12 })
  })
})
