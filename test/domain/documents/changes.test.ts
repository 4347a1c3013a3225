import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ChangeFollower } from '#test/support/changes.ts'
import { put, write } from '#test/support/documents.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { connectSocket } from '#test/support/websocket.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { ROLES: 'api' } })
})
afterAll(() => server.close())

const follow = async (
  variables: { in: string; where?: object; after?: string },
  at: Pick<TestServer, 'url' | 'token'> = server,
) => {
  const follower = await ChangeFollower.open(at, variables)
  onTestFinished(() => follower.close())
  return follower
}

describe('changes of documents', () => {
  it('begin with what is there, and go on with each change and what was before', async () => {
    await put(server, 'a', 1, { collection: 'c/one' })
    await put(server, 'gone', 1, { collection: 'c/one' })
    await write(server, 'deleteDocument', { collection: 'c/one', key: 'gone' })
    await put(server, 'b', 1, { collection: 'c/two' })
    await put(server, 'other', 1, { collection: 'd' })
    const follower = await follow({ in: 'c/*' })
    expect(await follower.told(3)).toEqual(['ENTER a 1', 'ENTER b 1', 'CAUGHT_UP'])
    await put(server, 'a', 2, { collection: 'c/one' })
    await put(server, 'other', 2, { collection: 'd' })
    await write(server, 'deleteDocument', { collection: 'c/one', key: 'a' })
    await write(server, 'restoreDocument', { collection: 'c/one', key: 'gone', version: 1 })
    await put(server, 'new', 1, { collection: 'c/three' })
    expect((await follower.told(7)).slice(3)).toEqual(['UPDATE a 2', 'DELETE a 3', 'ENTER gone 3', 'ENTER new 1'])
    expect(follower.changes[3]).toMatchObject({ previous: { version: 1, data: 1 }, document: { data: 2 } })
    expect(follower.changes[4]).toMatchObject({ previous: { data: 2 }, document: { deleted: true, data: null } })
  })

  it('show which documents enter and leave the filter', async () => {
    const collection = 'filtered'
    await put(server, 'low', { n: 1 }, { collection })
    await put(server, 'high', { n: 10 }, { collection })
    const follower = await follow({ in: collection, where: { path: 'n', gte: 5 } })
    expect(await follower.told(2)).toEqual(['ENTER high 1', 'CAUGHT_UP'])
    await put(server, 'low', { n: 2 }, { collection })
    await put(server, 'low', { n: 5 }, { collection })
    await put(server, 'low', { n: 6 }, { collection })
    await put(server, 'low', { n: 4 }, { collection })
    await write(server, 'deleteDocument', { collection, key: 'low' })
    await write(server, 'deleteDocument', { collection, key: 'high' })
    expect((await follower.told(6)).slice(2)).toEqual(['ENTER low 3', 'UPDATE low 4', 'LEAVE low 5', 'DELETE high 2'])
  })

  it('resume after a cursor, also of another stream, without a snapshot', async () => {
    const collection = 'resumed'
    const first = await follow({ in: collection })
    await put(server, 'a', 1, { collection })
    await put(server, 'a', 2, { collection })
    const { cursor } = await first.find(({ document }) => document?.version === 1)
    await first.find(({ document }) => document?.version === 2)
    const resumed = await follow({ in: collection, after: cursor ?? '' })
    await put(server, 'b', 1, { collection })
    expect(await resumed.told(2)).toEqual(['UPDATE a 2', 'ENTER b 1'])
    const { events } = await graphqlData<{ events: { pageInfo: { endCursor: string } } }>(
      server,
      '{ events(subject: "document:resumed/a", first: 1) { pageInfo { endCursor } } }',
    )
    const behindEvent = await follow({ in: collection, after: events.pageInfo.endCursor })
    expect(await behindEvent.told(2)).toEqual(['UPDATE a 2', 'ENTER b 1'])
  })

  it('arrive once each when documents are written while the snapshot is being read', async () => {
    const collection = 'busy'
    const putMany = (from: number, count: number, data: unknown) =>
      Promise.all(Array.from({ length: count }, (_, index) => put(server, `k${from + index}`, data, { collection })))
    await putMany(0, 250, 0)
    const writing = (async () => {
      for (let round = 1; round <= 8; round += 1) await putMany(round * 40, 60, round)
    })()
    const followers = await Promise.all(Array.from({ length: 4 }, () => follow({ in: collection })))
    await writing
    await put(server, 'last', 0, { collection })
    const rows = await server.database.query<{ key: string; version: number }>(
      "SELECT key, version FROM document WHERE collection = 'busy'",
    )
    for (const follower of followers) {
      await follower.find(({ key }) => key === 'last')
      const versions = new Map<string, number>()
      for (const { key, document, previous } of follower.changes) {
        if (key === null || document === null) continue
        const known = versions.get(key)
        if (known !== undefined) expect([key, document.version, previous?.version]).toEqual([key, known + 1, known])
        versions.set(key, document.version)
      }
      expect(Object.fromEntries(versions)).toEqual(Object.fromEntries(rows.map(({ key, version }) => [key, version])))
    }
  })

  it('tell that a document’s time has come, and that a whole collection is gone', async () => {
    const collection = 'passing'
    const follower = await follow({ in: 'passing' })
    await put(server, 'short', 1, { collection, ttlMs: 100 })
    expect(await follower.told(3)).toEqual(['CAUGHT_UP', 'ENTER short 1', 'DELETE short 2'])
    await put(server, 'a', 'old', { collection })
    // What is deleted with its collection before it was read can't be told any more.
    await follower.told(4)
    await graphqlData(server, 'mutation { deleteCollection(input: { path: "passing" }) { __typename } }')
    await put(server, 'a', 'new', { collection })
    expect((await follower.told(6)).slice(3)).toEqual(['ENTER a 1', 'COLLECTION_DELETED', 'ENTER a 1'])
    expect(follower.changes[5]?.document?.data).toBe('new')
  })

  it('tell only what the caller may read', async () => {
    const { token } = await addToken(server, {
      accountId: await ownAccount(server),
      scopes: ['documents:read:mine/**'],
    })
    await put(server, 'a', 1, { collection: 'mine' })
    await put(server, 'a', 1, { collection: 'theirs' })
    const follower = await follow({ in: '**' }, { url: server.url, token })
    await put(server, 'b', 1, { collection: 'theirs' })
    await put(server, 'b', 1, { collection: 'mine/too' })
    await follower.find(({ key }) => key === 'b')
    expect(follower.changes.map(({ collection }) => collection)).toEqual(['mine', null, 'mine/too'])
    const other = await addToken(server)
    const stranger = await follow({ in: '**' }, { url: server.url, token: other.token })
    expect(await stranger.told(1)).toEqual(['CAUGHT_UP'])
  })

  it.each([
    ['a pattern that is none', { in: 'a//b' }, 'INVALID_INPUT'],
    ['a filter that is none', { in: '**', where: { path: 'a', matches: '(a' } }, 'INVALID_INPUT'],
    ['a cursor that is none', { in: '**', after: 'none' }, 'INVALID_CURSOR'],
  ])('are refused for %s', async (_what, variables, code) => {
    const socket = await connectSocket(server)
    onTestFinished(() => socket.close())
    const query =
      'subscription ($in: String!, $where: DocumentFilter, $after: String) { documentChanges(in: $in, where: $where, after: $after) { kind } }'
    socket.subscribe('refused', query, variables)
    expect(await socket.next('refused')).toMatchObject({ payload: [{ extensions: { code } }] })
  })
})

it('tells a slow reader how much was dropped, and from where it can be had again', async () => {
  const collection = 'flood'
  const wide = Array.from({ length: 12 }, (_, index) => `copy${index}: data`).join(' ')
  const query = `subscription ($after: String) {
    documentChanges(in: "${collection}", after: $after) { kind key cursor skipped document { ${wide} } } }`
  const slow = await connectSocket(server)
  slow.subscribe('slow', query)
  const told = slow.results('slow')
  expect((await nextOf(told)).kind).toBe('CAUGHT_UP')
  slow.socket.pause()
  const quick = await follow({ in: collection })
  const keys = Array.from({ length: 3_000 }, (_, index) => `k${String(index).padStart(4, '0')}`)
  for (let from = 0; from < keys.length; from += 500) {
    const writes = keys.slice(from, from + 500).map((key) => ({ put: { collection, key, data: 'x'.repeat(1_000) } }))
    await graphqlData(
      server,
      'mutation ($writes: [DocumentWrite!]!) { writeDocuments(input: { writes: $writes }) { __typename } }',
      { writes },
    )
    // What the quick one was told, the slow one was handed as well.
    await quick.told(from + writes.length + 1)
  }

  slow.socket.resume()
  const before: string[] = []
  let gap = await nextOf(told)
  for (; gap.kind !== 'LAGGED'; gap = await nextOf(told)) before.push(gap.key as string)
  expect(gap).toMatchObject({ key: null, document: null, skipped: expect.any(Number) })
  const missing = keys.slice(before.length, before.length + (gap.skipped ?? 0))
  expect(before).toEqual(keys.slice(0, before.length))
  expect((await nextOf(told)).key).toBe(keys[before.length + missing.length])
  slow.subscribe('again', query, { after: gap.cursor })
  const again = slow.results('again')
  for (const key of missing) expect((await nextOf(again)).key).toBe(key)
  await slow.close()
}, 60_000)

interface Told {
  readonly kind: string
  readonly key: string | null
  readonly cursor: string
  readonly skipped: number | null
}

async function nextOf(told: AsyncGenerator<Record<string, unknown>>): Promise<Told> {
  const { value } = await told.next()
  return value.documentChanges as Told
}
