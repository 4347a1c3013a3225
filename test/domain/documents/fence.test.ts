import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { get, put, type ToldDocument, write } from '#test/support/documents.ts'
import { type Entries, entriesOf } from '#test/support/entries.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let other: TestServer
let here: Entries
let there: Entries
beforeAll(async () => {
  server = await startTestServer({ env: { ROLES: 'api' } })
  other = await startTestServer({ env: { ROLES: 'api' }, database: server.database })
  here = entriesOf(server)
  there = entriesOf(other)
})
afterAll(async () => {
  await other.close()
  await server.close()
})

let count = 0
/** A lock, and a document of the same name. */
function fresh(): string {
  count += 1
  return `fenced/${count}`
}

async function held(lock: string, more: object = {}): Promise<{ lock: string; fence: number }> {
  const { lock: taken, message } = await here.acquire(lock, more)
  if (taken === undefined) throw new Error(message)
  return { lock, fence: taken.fence }
}

interface Together {
  readonly documents?: readonly ToldDocument[]
  readonly code?: string
  readonly currentFence?: number | null
}

async function together(writes: readonly object[], fence: object): Promise<Together> {
  const { writeDocuments } = await graphqlData<{ writeDocuments: Together }>(
    server,
    `mutation ($input: WriteDocumentsInput!) { writeDocuments(input: $input) {
      ... on WriteDocumentsPayload { documents { key version } } ... on Failure { code }
      ... on FenceLost { currentFence } } }`,
    { input: { writes, fence } },
  )
  return writeDocuments
}

/** Every kind of write with a fence, and the code of its failure. */
async function codesOf(key: string, fence: object): Promise<(string | undefined)[]> {
  const writes = [
    await write(server, 'putDocument', { key, data: 'late', fence }),
    await write(server, 'patchDocument', { key, mergePatch: { late: true }, fence }),
    await write(server, 'deleteDocument', { key, fence }),
    await write(server, 'restoreDocument', { key, version: 1, fence }),
    await together([{ put: { key, data: 'late' } }], fence),
  ]
  return writes.map(({ code }) => code)
}
const allLost = Array.from({ length: 5 }, () => 'FENCE_LOST')

describe('a document that is written under a lock', () => {
  it('is written in every way while the lock is held', async () => {
    const key = fresh()
    const fence = await held(key)
    expect(await put(server, key, { a: 1 }, { fence })).toMatchObject({ version: 1 })
    expect(await write(server, 'patchDocument', { key, mergePatch: { b: 2 }, fence })).toMatchObject({
      document: { data: { a: 1, b: 2 } },
    })
    expect(await write(server, 'deleteDocument', { key, fence })).toMatchObject({ document: { version: 3 } })
    expect(await write(server, 'restoreDocument', { key, version: 1, fence })).toMatchObject({
      document: { version: 4 },
    })
    expect(await together([{ put: { key, data: 5 } }, { delete: { key } }], fence)).toMatchObject({
      documents: [{ version: 5 }, { version: 6 }],
    })
  })

  it('is not written any more once the lease is over', async () => {
    const key = fresh()
    const fence = await held(key, { ttlMs: 1_000 })
    const before = await put(server, key, 'in time', { fence })
    await until(async () => (await here.lock(key)) === null)
    expect(await codesOf(key, fence)).toEqual(allLost)
    expect(await get(server, key)).toEqual(before)
  })

  it('is not written any more once the lock was given back, or taken away', async () => {
    const [returned, forced] = [fresh(), fresh()]
    const fences = [await held(returned), await held(forced)] as const
    await put(server, returned, 1)
    await put(server, forced, 1)
    await here.release(returned, fences[0].fence)
    await there.force(forced)
    expect(await codesOf(returned, fences[0])).toEqual(allLost)
    expect(await codesOf(forced, fences[1])).toEqual(allLost)
    expect(await get(server, forced)).toMatchObject({ version: 1 })
  })

  it('is written by the next holder, and not by the one before', async () => {
    const key = fresh()
    const former = await held(key)
    await put(server, key, 'former', { fence: former })
    await here.release(key, former.fence)
    const { lock: next } = await there.acquire(key)
    expect(await codesOf(key, former)).toEqual(allLost)
    expect(await together([{ put: { key, data: 0 } }], former)).toEqual({
      code: 'FENCE_LOST',
      currentFence: next?.fence,
    })
    expect(await put(other, key, 'next', { fence: { lock: key, fence: next?.fence } })).toMatchObject({ version: 2 })
  })

  it('takes no number but the one that the lock is held with', async () => {
    const key = fresh()
    await put(server, key, 1)
    const { fence } = await held(key)
    expect(await codesOf(key, { lock: key, fence: fence + 1 })).toEqual(allLost)
    expect(await codesOf(key, { lock: 'no/such/lock', fence })).toEqual(allLost)
    for (const [bad, path] of [
      [{ lock: key, fence: 1.5 }, 'fence.fence'],
      [{ lock: key, fence: 0 }, 'fence.fence'],
      [{ lock: 'a//b', fence }, 'fence.lock'],
    ] as const)
      expect(await write(server, 'putDocument', { key, data: 2, fence: bad })).toMatchObject({
        code: 'INVALID_INPUT',
        issues: [{ path }],
      })
    expect(await get(server, key)).toMatchObject({ version: 1 })
  })

  it('is refused alone: others that are written at the same time are written', async () => {
    const key = fresh()
    const fence = await held(key)
    const lost = { lock: key, fence: fence.fence + 1 }
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        write(server, 'putDocument', {
          key: `${key}/${index}`,
          data: index,
          ...(index % 3 !== 0 && { fence: index % 3 === 1 ? fence : lost }),
        }),
      ),
    )
    outcomes.forEach(({ document, code }, index) => {
      expect([index, document?.version, code]).toEqual(
        index % 3 === 2 ? [index, undefined, 'FENCE_LOST'] : [index, 1, undefined],
      )
    })
  })

  it('keeps the lock where it is until the write is done that was under way', async () => {
    const key = fresh()
    const fence = await held(key)
    await put(server, key, 'before', { fence })
    const client = new pg.Client({ connectionString: server.database.url })
    await client.connect()
    try {
      // Holds the write between its look at the fence and its commit.
      await client.query('BEGIN')
      await client.query('SELECT 1 FROM document WHERE key = $1 FOR UPDATE', [key])
      const waiting = async (what: string) =>
        (
          await server.database.query(
            `SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)
             WHERE NOT granted AND datname = current_database() AND locktype = ANY($1)`,
            [what === 'write' ? ['transactionid', 'tuple'] : ['advisory']],
          )
        ).length > 0
      const writing = put(server, key, 'under way', { fence })
      await until(() => waiting('write'))
      const order: string[] = []
      const forcing = there.force(key).then(() => order.push('forced'))
      await until(() => waiting('force'))
      expect(order).toEqual([])
      const free = await put(other, `${key}/free`, 'nobody waits here')
      expect(free.version).toBe(1)
      await client.query('COMMIT')
      expect(await writing).toMatchObject({ version: 2 })
      await forcing
    } finally {
      await client.end()
    }
    expect(await codesOf(key, fence)).toEqual(allLost)
  })

  it('is only for those who may hold such a lock', async () => {
    const key = fresh()
    const fence = await held(key)
    const { token } = await addToken(server, { accountId: await ownAccount(server), scopes: ['documents:write'] })
    const { errors } = await graphql(
      server,
      'mutation ($input: PutDocumentInput!) { putDocument(input: $input) { __typename } }',
      { input: { key, data: 1, fence } },
      token,
    )
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  })
})
