import { PgBoss } from 'pg-boss'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { knownSchemaVersion } from '#platform/queue/own-sql.ts'
import { Queue } from '#platform/queue/queue.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { type JournalStack, openJournal } from '#test/support/journal.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'

const log = createLog({ level: 'silent', format: 'json' })
let database: TestDatabase
let stack: JournalStack
let boss: PgBoss
const started: Queue[] = []
beforeEach(async () => {
  database = await createTestDatabase()
  stack = await openJournal(database.url)
  boss = new PgBoss({ connectionString: database.url, schema: 'pgboss', schedule: false })
  await boss.start()
})
afterEach(async () => {
  for (const queue of started.splice(0)) await queue.stop()
  await boss.stop({ graceful: false })
  await stack.close()
  await database.drop()
})

async function start(): Promise<Queue> {
  const queue = await Queue.start({ database: stack.database, queues: ['some'], log })
  started.push(queue)
  return queue
}

const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const send = (queue: Queue, from: number, count: number, startAfter?: Date) =>
  stack.transact.quiet('a test')((tx) =>
    queue.send(
      tx,
      Array.from({ length: count }, (_, n) => ({
        queue: 'some',
        id: idOf(from + n),
        data: { n: from + n },
        startAfter,
      })),
    ),
  )
const claim = (queue: Queue, limit: number) =>
  stack.transact.quiet('a test')(async (tx) => (await queue.claim(tx, 'some', limit)).map(({ data }) => data))

describe('the queue', () => {
  it('reads tables of pg-boss that it knows', async () => {
    await start()
    // When this fails, compare src/platform/queue/own-sql.ts with the tables of the new version before changing the number.
    expect(await boss.schemaVersion()).toBe(knownSchemaVersion)
  })

  it('hands each due job to one claimer, oldest first', async () => {
    const queue = await start()
    for (const n of [1, 2, 3]) await send(queue, n, 1)
    await send(queue, 10, 1, new Date(Date.now() + 3_600_000))
    expect(await claim(queue, 2)).toEqual([{ n: 1 }, { n: 2 }])
    expect(await claim(queue, 2)).toEqual([{ n: 3 }])
    await send(queue, 100, 200)
    const claims = await Promise.all(Array.from({ length: 8 }, () => claim(queue, 30)))
    const taken = [...claims.flat(), ...(await claim(queue, 200))].map((data) => (data as { n: number }).n)
    expect(taken.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => 100 + n))
  })

  it('gives a claimed job back when the transaction fails', async () => {
    const queue = await start()
    await send(queue, 1, 1)
    const failing = stack.transact.quiet('a test')(async (tx) => {
      await queue.claim(tx, 'some', 1)
      throw new Error('not now')
    })
    await expect(failing).rejects.toThrow('not now')
    expect(await claim(queue, 1)).toEqual([{ n: 1 }])
  })

  it('knows which jobs wait no more', async () => {
    const queue = await start()
    await send(queue, 1, 4)
    await claim(queue, 1)
    await boss.deleteJob('some', idOf(2))
    await boss.cancel('some', idOf(3))
    const ids = [1, 2, 3, 4].map(idOf)
    expect([...(await queue.findMissing(stack.database, 'some', ids))].toSorted()).toEqual(ids.slice(0, 3))
  })

  it('moves jobs that wait in the shared table to its own, by one of several processes', async () => {
    await boss.createQueue('some')
    const due = new Date(Date.now() - 1_000)
    const later = new Date(Date.now() + 3_600_000)
    await boss.insert('some', [
      { id: idOf(1), data: { n: 1 }, startAfter: due },
      { id: idOf(2), data: { n: 2 }, startAfter: later },
    ])
    const [queue] = await Promise.all([start(), start()])
    expect(await boss.getQueues(['some'])).toMatchObject([{ partition: true }])
    const sql = 'SELECT id, start_after AS "startAfter" FROM pgboss.job ORDER BY id'
    expect(await database.query(sql)).toEqual([
      { id: idOf(1), startAfter: due },
      { id: idOf(2), startAfter: later },
    ])
    expect(await claim(queue, 9)).toEqual([{ n: 1 }])
    await send(queue, 5, 1)
    expect(await claim(queue, 9)).toEqual([{ n: 5 }])
  })

  it('is counted by pg-boss’s own monitoring', async () => {
    const queue = await start()
    await send(queue, 1, 3)
    await send(queue, 10, 2, new Date(Date.now() + 3_600_000))
    await claim(queue, 1)
    const [stats] = await boss.getQueueStats('some', { force: true })
    expect(stats).toMatchObject({ queuedCount: 4, deferredCount: 2, readyCount: 2, activeCount: 0 })
  })

  it('keeps a job that is due far beyond the time after which pg-boss deletes waiting jobs by default', async () => {
    const queue = await start()
    await send(queue, 1, 1, new Date(Date.now() - 60 * 86_400_000))
    await boss.supervise('some')
    expect(await claim(queue, 1)).toEqual([{ n: 1 }])
  })
})
