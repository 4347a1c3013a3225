import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CursorExpired, InvalidCursor } from '#lib/cursor.ts'
import { newId } from '#lib/ids.ts'
import type { JournalEntry, NewEntry } from '#platform/journal/entry.ts'
import { journalCursor } from '#platform/journal/journal-cursor.ts'
import { dropPartitions } from '#platform/journal/partitions.ts'
import { type JournalStack, openJournal } from '#test/support/journal.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

const actor = { kind: 'system', id: 'test', name: 'test' } as const

let database: TestDatabase
let stack: JournalStack
beforeAll(async () => {
  database = await createTestDatabase()
  stack = await openJournal(database.url)
})
afterAll(async () => {
  await stack.close()
  await database.drop()
})

function entry(accountId: string, key: string, more: Partial<NewEntry> = {}): NewEntry {
  return { accountId, type: 'test.happened', subject: 'test:1', actor, data: { key }, ...more }
}

async function write(accountId: string, key: string, more: Partial<NewEntry> = {}): Promise<void> {
  await stack.transact(async (tx) => tx.journal(entry(accountId, key, more)))
}

/** What a stream yields until it has given `count` entries. */
async function collect(
  stream: AsyncIterable<{ kind: string; entry?: { data: { [key: string]: unknown } } }>,
  count: number,
) {
  const keys: unknown[] = []
  for await (const item of stream) {
    if (item.kind === 'entry') keys.push(item.entry?.data['key'])
    if (keys.length === count) break
  }
  return keys
}

describe('a journal under concurrent writers that commit out of order', () => {
  const writers = 8
  const perWriter = 60
  let accountId: string
  let reader: ChildProcess
  const elsewhere: string[] = []
  const here: string[] = []

  /** Commits in an order of its own: the entry is numbered early, and the commit comes some milliseconds later. */
  async function writeAll(writer: number): Promise<void> {
    for (let index = 0; index < perWriter; ) {
      try {
        await stack.transact(async (tx) => {
          // Takes the transaction's number now; the entry itself is written at the end.
          await tx.query('SELECT pg_current_xact_id()')
          await sleep(Math.random() * 8)
          tx.journal(entry(accountId, `${writer}.${index}`))
        })
        index += 1
      } catch (error) {
        // A connection that was cut off before its commit has written nothing, or, cut off at its commit, may have.
        const isThere = await isWritten(`${writer}.${index}`)
        if (isThere) index += 1
        else if (!isCutOff(error)) throw error
      }
    }
  }

  async function isWritten(key: string): Promise<boolean> {
    const rows = await until(() =>
      stack.database
        .query(`SELECT 1 FROM journal WHERE account_id = $1 AND data->>'key' = $2`, [accountId, key])
        .catch(() => undefined),
    )
    return rows.length > 0
  }

  function isCutOff(error: unknown): boolean {
    return /terminat|connection|ECONNRESET|EPIPE/i.test(String(error))
  }

  /** Cuts all of this database's connections but the test's own, again and again. */
  async function cutConnections(times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      await sleep(250)
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE 'signalbox%'`,
      )
    }
  }

  beforeAll(async () => {
    accountId = newId()
    const script = fileURLToPath(new URL('../../fixtures/journal/reader.ts', import.meta.url))
    reader = spawn(process.execPath, [script, database.url, accountId], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: reader.stdout as NodeJS.ReadableStream })
    const ready = once(lines, 'line')
    await ready
    lines.on('line', (line) => elsewhere.push(line))
    const stream = await stack.journal.open({ accountId }, { capacity: 100_000 })
    const reading = collect(stream, writers * perWriter).then((keys) => here.push(...(keys as string[])))
    await Promise.all([...Array.from({ length: writers }, (_, writer) => writeAll(writer)), cutConnections(4)])
    await reading
    await until(() => elsewhere.length >= writers * perWriter)
  })
  afterAll(async () => {
    reader.kill('SIGKILL')
    await once(reader, 'exit')
  })

  it('misses nothing and repeats nothing', () => {
    const all = Array.from({ length: writers }, (_, writer) =>
      Array.from({ length: perWriter }, (_, index) => `${writer}.${index}`),
    )
    expect(new Set(here)).toEqual(new Set(all.flat()))
    expect(here).toHaveLength(writers * perWriter)
  })

  it('keeps each writer’s order', () => {
    for (let writer = 0; writer < writers; writer += 1) {
      const own = here.filter((key) => key.startsWith(`${writer}.`)).map((key) => Number(key.split('.')[1]))
      expect(own).toEqual([...own].sort((a, b) => a - b))
    }
  })

  it('tells another process the same in the same order', () => {
    expect(elsewhere).toEqual(here)
  })

  it('tells the past in the same order as the present', async () => {
    // The last connections that were cut may only be found out now.
    let past: JournalEntry[] = []
    await until(async () => {
      past = await stack.journal.page({ accountId }, undefined, writers * perWriter + 1).catch(() => [])
      return past.length > 0
    })
    expect(past.map((one) => one.data['key'])).toEqual(here)
  })
})

describe('a journal stream', () => {
  it('goes on behind any cursor, from the past into the present', async () => {
    const accountId = newId()
    for (const key of ['a', 'b', 'c']) await write(accountId, key)
    await until(async () => (await stack.journal.page({ accountId }, undefined, 10)).length === 3)
    const [first] = await stack.journal.page({ accountId }, undefined, 1)
    const stream = await stack.journal.open({ accountId }, { after: stack.journal.cursorOf(first!) })
    const reading = collect(stream, 4)
    for (const key of ['d', 'e']) await write(accountId, key)
    expect(await reading).toEqual(['b', 'c', 'd', 'e'])
  })

  it('tells a slow reader how many entries were dropped, and from where they can be had again', async () => {
    const accountId = newId()
    const stream = await stack.journal.open({ accountId }, { capacity: 5 })
    const iterator = stream[Symbol.asyncIterator]()
    const handedOut = collect(await stack.journal.open({ accountId }), 13)
    const reading = iterator.next()
    await write(accountId, '0')
    expect((await reading).value).toMatchObject({ kind: 'entry', entry: { data: { key: '0' } } })
    for (let index = 1; index <= 12; index += 1) await write(accountId, String(index))
    await handedOut

    const { value: lagged } = await iterator.next()
    if (lagged?.kind !== 'lagged') throw new Error(`expected word of dropped entries, not ${lagged?.kind}`)
    expect(lagged.skipped).toBeGreaterThan(0)
    const next = await iterator.next()
    await iterator.return?.(undefined)
    const again = await stack.journal.open({ accountId }, { after: lagged.cursor })
    const missed = await collect(again, lagged.skipped)
    expect(missed).toEqual(Array.from({ length: lagged.skipped }, (_, index) => String(index + 1)))
    expect(next.value).toMatchObject({ entry: { data: { key: String(lagged.skipped + 1) } } })
  })

  it('passes on the newest of what is no history', async () => {
    const stream = await stack.journal.open<number>({ accountId: newId() })
    for (const value of [1, 2, 3]) stream.pass('progress', value)
    const { value } = await stream[Symbol.asyncIterator]().next()
    expect(value).toMatchObject({ kind: 'passing', value: 3 })
    stream.close()
  })

  it('gives the reader of one subject nothing else', async () => {
    const accountId = newId()
    const stream = await stack.journal.open({ accountId, subject: 'test:mine' })
    const reading = collect(stream, 1)
    await write(accountId, 'theirs', { subject: 'test:other' })
    await write(newId(), 'foreign', { subject: 'test:mine' })
    await write(accountId, 'mine', { subject: 'test:mine' })
    expect(await reading).toEqual(['mine'])
  })

  it('selects families of types', async () => {
    const accountId = newId()
    await write(accountId, '1', { type: 'task.completed' })
    await write(accountId, '2', { type: 'tasks.completed' })
    await write(accountId, '3', { type: 'task_x.completed' })
    const read = async (types: string[]) =>
      (await stack.journal.page({ accountId, types }, undefined, 10)).map((one) => one.data['key'])
    await until(async () => (await stack.journal.page({ accountId }, undefined, 10)).length === 3)
    expect(await read(['task.*'])).toEqual(['1'])
    expect(await read(['tasks.completed', 'task_x.*'])).toEqual(['2', '3'])
  })

  it.each(['', 'x', 'ÿ', 'bm90IG91cnM', Buffer.from('j1|a|b').toString('base64url'), 'a'.repeat(600)])(
    'refuses the malformed cursor %j',
    async (after) => {
      await expect(stack.journal.open({ accountId: newId() }, { after })).rejects.toThrow(InvalidCursor)
    },
  )

  it('refuses a cursor of another account', async () => {
    const stream = await stack.journal.open({ accountId: newId() })
    await expect(stack.journal.open({ accountId: newId() }, { after: stream.cursor })).rejects.toThrow(InvalidCursor)
    stream.close()
  })
})

describe('the journal’s retention', () => {
  it('drops whole days, and expires the cursors that stood before them', async () => {
    const accountId = newId()
    const old = journalCursor(accountId, { xid: 1n, seq: 0n })
    await database.query(
      `CREATE TABLE journal_days.d20200101 PARTITION OF journal FOR VALUES FROM ('2020-01-01 00:00:00+00') TO ('2020-01-02 00:00:00+00')`,
    )
    await database.query(
      `INSERT INTO journal (xid, at, account_id, type, subject, actor, data) VALUES (5, '2020-01-01 12:00:00+00', $1, 'test.old', 'test:1', '{}', '{}')`,
      [accountId],
    )
    expect(await dropPartitions(stack.transact, 7)).toEqual(['d20200101'])
    await expect(stack.journal.open({ accountId }, { after: old })).rejects.toThrow(CursorExpired)
    const fresh = await stack.journal.open({ accountId })
    const again = await stack.journal.open({ accountId }, { after: fresh.cursor })
    fresh.close()
    again.close()
  })
})

describe('a journal that was restored into a cluster whose transaction counter is behind', () => {
  it('goes on counting from where it had been', async () => {
    const restored = await createTestDatabase()
    const accountId = newId()
    const before = await openJournal(restored.url)
    await restored.query(
      `INSERT INTO journal (xid, account_id, type, subject, actor, data) VALUES (journal_xid() + 1000000, $1, 'test.old', 'test:1', '{}', '{"key": "old"}')`,
      [accountId],
    )
    await before.close()

    const after = await openJournal(restored.url)
    await after.transact(async (tx) => tx.journal(entry(accountId, 'new')))
    const keys = await until(async () => {
      const page = await after.journal.page({ accountId }, undefined, 10)
      return page.length === 2 && page.map((one) => one.data['key'])
    })
    expect(keys).toEqual(['old', 'new'])
    await after.close()
    await restored.drop()
  })
})
