import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openReader, type Reader, StatementTooSlow } from '#platform/database/bounded-read.ts'
import { PooledConnections } from '#platform/database/pooled-connections.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'

let database: TestDatabase
let reader: Reader
beforeAll(async () => {
  database = await createTestDatabase()
  reader = openReader({
    url: database.url,
    poolSize: 1,
    connections: new PooledConnections({ patienceMs: 40_000, onError: () => undefined }),
  })
})
afterAll(async () => {
  await reader.close()
  await database.drop()
})

describe('a bounded read', () => {
  it('is broken off when its time is over, and leaves its connection to the next', async () => {
    await expect(reader.read('SELECT pg_sleep(20)', [], 50)).rejects.toThrow(StatementTooSlow)
    expect(await reader.read('SELECT $1::int AS one', [1], 10_000)).toEqual([{ one: 1 }])
    expect(await reader.read('SHOW statement_timeout', [], 10_000)).toEqual([{ statement_timeout: '10s' }])
  })

  it('can’t write', async () => {
    for (const limitMs of [5_000, 10_000])
      await expect(reader.read('DELETE FROM account RETURNING id', [], limitMs)).rejects.toThrow(
        'read-only transaction',
      )
  })

  it('keeps frequent statements prepared, at most a hundred of them', async () => {
    const prepared = () =>
      reader.read<{ count: number }>('SELECT count(*)::int AS count FROM pg_prepared_statements', [], 5_000)
    await reader.read('SELECT 0 AS seldom', [], 10_000)
    expect(await prepared()).toEqual([{ count: 0 }])
    for (let text = 0; text < 110; text += 1)
      for (let time = 0; time < 3; time += 1)
        expect(await reader.read(`SELECT ${text} AS text`, [], 10_000)).toEqual([{ text }])
    expect(await prepared()).toEqual([{ count: 100 }])
  })
})
