import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { get, put, write } from '#test/support/documents.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

const historyOf = async (key: string, first = 50, after?: string) => {
  const { document } = await graphqlData<{
    document: {
      history: { nodes: { version: number; deleted: boolean; by: { name: string } }[]; pageInfo: { endCursor: string } }
    } | null
  }>(
    server,
    `query ($key: String!, $first: Int, $after: String) { document(key: $key, deleted: true) {
      history(first: $first, after: $after) { nodes { version deleted by { name } } pageInfo { endCursor } } } }`,
    { key, first, after },
  )
  return document?.history
}

describe('a document', () => {
  it('is created by its first write, and has a version for each', async () => {
    expect(await put(server, 'one', { a: 1 })).toMatchObject({ collection: 'default', version: 1, data: { a: 1 } })
    const second = await put(server, 'one', { a: 2 })
    expect(second).toMatchObject({ version: 2, data: { a: 2 } })
    expect(await get(server, 'one')).toEqual(second)
  })

  it('keeps its older versions, with who wrote them and when', async () => {
    await put(server, 'kept', 'first')
    const second = await put(server, 'kept', 'second')
    expect(await get(server, 'kept', { version: 1 })).toMatchObject({ version: 1, data: 'first' })
    expect(await get(server, 'kept', { version: 3 })).toBeNull()
    await put(server, 'kept', 'third')
    expect(await get(server, 'kept', { at: second.updatedAt })).toMatchObject({ version: 2, data: 'second' })
    expect(await get(server, 'kept', { at: '2000-01-01T00:00:00Z' })).toBeNull()
    const page = await historyOf('kept', 2)
    expect(page?.nodes.map(({ version }) => version)).toEqual([3, 2])
    expect((await historyOf('kept', 2, page?.pageInfo.endCursor))?.nodes).toMatchObject([
      { version: 1, deleted: false, by: { name: 'owner' } },
    ])
  })

  it('is deleted by a version of its own, counts on when it is written again, and can be restored', async () => {
    await put(server, 'gone', { is: 'here' })
    expect(await write(server, 'deleteDocument', { key: 'gone' })).toMatchObject({
      document: { version: 2, deleted: true, data: null },
    })
    expect(await get(server, 'gone')).toBeNull()
    expect(await get(server, 'gone', { version: 2 })).toMatchObject({ deleted: true })
    expect(await write(server, 'deleteDocument', { key: 'gone' })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await write(server, 'restoreDocument', { key: 'gone', version: 2 })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await write(server, 'restoreDocument', { key: 'gone', version: 1 })).toMatchObject({
      document: { version: 3, data: { is: 'here' } },
    })
    await write(server, 'deleteDocument', { key: 'gone', expectedVersion: 3 })
    expect(await put(server, 'gone', null, { expectedVersion: 0 })).toMatchObject({ version: 5, data: null })
    expect((await historyOf('gone'))?.nodes.map(({ version, deleted }) => [version, deleted])).toEqual([
      [5, false],
      [4, true],
      [3, false],
      [2, true],
      [1, false],
    ])
  })

  it('is announced in the order of its versions, also when an earlier transaction has waited for a later one', async () => {
    const key = 'overtaken'
    await put(server, key, 'first')
    const client = new pg.Client({ connectionString: server.database.url })
    await client.connect()
    try {
      await client.query('BEGIN')
      await client.query('SELECT 1 FROM document WHERE key = $1 FOR UPDATE', [key])
      const writing = put(server, key, 'second')
      await until(async () => (await server.database.query('SELECT 1 FROM pg_locks WHERE NOT granted')).length > 0)
      // A savepoint has a number of its own, behind that of the write that waits.
      await client.query('SAVEPOINT later')
      await client.query('UPDATE document SET updated_by = updated_by WHERE key = $1', [key])
      const { rows } = await client.query('SELECT xmin::text FROM document WHERE key = $1', [key])
      await client.query('COMMIT')
      expect(await writing).toMatchObject({ version: 2 })
      const told = await server.database.query<{ xid: string }>(
        `SELECT (xid::text::bigint % 4294967296)::text AS xid FROM journal
         WHERE subject = $1 AND data->>'version' = '2'`,
        [`document:default/${key}`],
      )
      expect(told.map(({ xid }) => Number(xid) > Number(rows[0]?.xmin))).toEqual([true])
    } finally {
      await client.end()
    }
  })

  it('is announced by events that name its versions', async () => {
    await put(server, 'told/of', 1, { collection: 'events/here' })
    await write(server, 'deleteDocument', { collection: 'events/here', key: 'told/of' })
    const types = await until(async () => {
      const { events } = await graphqlData<{ events: { nodes: { type: string; data: object }[] } }>(
        server,
        '{ events(subject: "document:events/here/told/of") { nodes { type data } } }',
      )
      return events.nodes.length === 2 && events.nodes
    })
    expect(types).toMatchObject([
      { type: 'document.created', data: { collection: 'events/here', key: 'told/of', version: 1, previousVersion: 0 } },
      { type: 'document.deleted', data: { version: 2, previousVersion: 1 } },
    ])
  })
})

describe('a write that expects a version', () => {
  it('is refused when somebody has written since, with their version and name', async () => {
    await put(server, 'held', 1)
    await put(server, 'held', 2)
    expect(await write(server, 'putDocument', { key: 'held', data: 3, expectedVersion: 1 })).toMatchObject({
      code: 'VERSION_CONFLICT',
      currentVersion: 2,
      expectedVersion: 1,
      by: { name: 'owner' },
    })
    expect(await write(server, 'deleteDocument', { key: 'held', expectedVersion: 1 })).toMatchObject({
      code: 'VERSION_CONFLICT',
    })
    expect(await get(server, 'held')).toMatchObject({ version: 2, data: 2 })
    expect(await put(server, 'held', 3, { expectedVersion: 2 })).toMatchObject({ version: 3 })
  })

  it('of 0 is taken only when there is no such document', async () => {
    const input = { key: 'fresh', data: 1, expectedVersion: 0 }
    expect(await write(server, 'putDocument', input)).toMatchObject({ document: { version: 1 } })
    expect(await write(server, 'putDocument', input)).toMatchObject({ code: 'VERSION_CONFLICT', currentVersion: 1 })
    expect(await write(server, 'putDocument', { ...input, key: 'never', expectedVersion: 4 })).toMatchObject({
      code: 'VERSION_CONFLICT',
      currentVersion: 0,
      by: null,
    })
  })

  it('wins alone among many at the same time', async () => {
    await put(server, 'race', 0)
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        write(server, 'putDocument', { key: 'race', data: index, expectedVersion: 1 }),
      ),
    )
    expect(answers.filter(({ document }) => document !== undefined)).toHaveLength(1)
    expect(await get(server, 'race')).toMatchObject({ version: 2 })
  })
})

it('makes one version for each of many writes at the same time', async () => {
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, index) => write(server, 'putDocument', { key: 'busy', data: index })),
  )
  const versions = answers.map(({ document }) => document?.version ?? 0).sort((a, b) => a - b)
  expect(versions).toEqual(Array.from({ length: 60 }, (_, index) => index + 1))
})

describe('the difference between two versions', () => {
  const ask = (key: string, args: string) =>
    graphql<{ document: { diff: unknown } | null }>(
      server,
      `query ($key: String!) { document(key: $key, deleted: true) { diff${args} } }`,
      { key },
    )

  it('is a JSON Patch that makes one the other', async () => {
    await put(server, 'compared', { a: 1, list: [1, 2] })
    await put(server, 'compared', { a: 1, list: [1, 3], b: '~/' })
    await write(server, 'deleteDocument', { key: 'compared' })
    const { data } = await ask('compared', '(from: 1, to: 2)')
    expect(data?.document?.diff).toEqual([
      { op: 'replace', path: '/list/1', value: 3 },
      { op: 'add', path: '/b', value: '~/' },
    ])
    const deletion = await ask('compared', '')
    expect(deletion.data?.document?.diff).toEqual([{ op: 'replace', path: '', value: null }])
  })

  it('begins with nothing, and is null for a version that isn’t there', async () => {
    await put(server, 'alone', 1)
    expect((await ask('alone', '')).data?.document?.diff).toEqual([{ op: 'replace', path: '', value: 1 }])
    expect((await ask('alone', '(to: 2)')).data?.document?.diff).toBeNull()
  })
})
