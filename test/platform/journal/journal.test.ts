import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CursorExpired, InvalidCursor } from '#lib/cursor.ts'
import { newId } from '#lib/ids.ts'
import { beginning, endOfTime, type JournalEntry, type NewEntry } from '#platform/journal/entry.ts'
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
  it('resumes after any cursor, from past entries to live ones', async () => {
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

  it('passes on the newest of what is not recorded', async () => {
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
    const old = journalCursor(accountId, { xid: 1n, seq: 0n }, '0')
    await database.query(
      `CREATE TABLE journal_days.d20200101 PARTITION OF journal FOR VALUES FROM ('2020-01-01 00:00:00+00') TO ('2020-01-02 00:00:00+00')`,
    )
    await database.query(
      `INSERT INTO journal (xid, at, account_id, type, subject, actor, data) VALUES (5, '2020-01-01 12:00:00+00', $1, 'test.old', 'test:1', '{}', '{}')`,
      [accountId],
    )
    expect(await dropPartitions(stack.transact.quiet('a test'), 7, await stack.journal.end())).toEqual(['d20200101'])
    await expect(stack.journal.open({ accountId }, { after: old })).rejects.toThrow(CursorExpired)
    const fresh = await stack.journal.open({ accountId })
    const again = await stack.journal.open({ accountId }, { after: fresh.cursor })
    fresh.close()
    again.close()
  })
})

describe('a stream that is still in the past when its days are deleted', () => {
  it('says that events are missing, and goes on with those that are left', async () => {
    const accountId = newId()
    await database.query(
      `CREATE TABLE journal_days.d20200301 PARTITION OF journal FOR VALUES FROM ('2020-03-01 00:00:00+00') TO ('2020-03-02 00:00:00+00')`,
    )
    await database.query(
      `INSERT INTO journal (at, account_id, type, subject, actor, data)
       SELECT '2020-03-01 12:00:00+00', $1, 'test.old', 'test:1', '{}', jsonb_build_object('key', 'old ' || n)
       FROM generate_series(1, 1200) AS n`,
      [accountId],
    )
    await write(accountId, 'new')
    const first = await until(async () => {
      const page = await stack.journal.page({ accountId }, undefined, 1201)
      const last = page[1199]
      // Streams have them behind them, too: what they are still to be told would not be read as the past.
      return last && (await stack.journal.hasPassed({ accountId }, stack.journal.cursorOf(last))) && page[0]
    })
    const stream = await stack.journal.open({ accountId }, { after: stack.journal.cursorOf(first) })
    const iterator = stream[Symbol.asyncIterator]()
    expect((await iterator.next()).value).toMatchObject({ entry: { data: { key: 'old 2' } } })
    expect(await dropPartitions(stack.transact.quiet('a test'), 7, await stack.journal.end())).toEqual(['d20200301'])

    const rest: unknown[] = []
    for (let last: unknown; last !== 'new'; ) {
      const { value: item } = await iterator.next()
      last = item?.kind === 'entry' ? item.entry.data['key'] : item?.kind
      rest.push(last === 'lagged' ? item : last)
    }
    await iterator.return?.(undefined)
    // The page that was read before is whole; what follows it is gone.
    expect(rest.slice(0, -2)).toEqual(Array.from({ length: 499 }, (_, index) => `old ${index + 3}`))
    expect(rest.slice(-2)).toEqual([{ kind: 'lagged', skipped: undefined, cursor: expect.any(String) }, 'new'])
  })

  it('keeps a day that somebody has still to read', async () => {
    await database.query(
      `CREATE TABLE journal_days.d20200302 PARTITION OF journal FOR VALUES FROM ('2020-03-02 00:00:00+00') TO ('2020-03-03 00:00:00+00')`,
    )
    const before = await stack.journal.end()
    await database.query(
      `INSERT INTO journal (at, account_id, type, subject, actor, data) VALUES ('2020-03-02 12:00:00+00', $1, 'test.old', 'test:1', '{}', '{}')`,
      [newId()],
    )
    expect(await dropPartitions(stack.transact.quiet('a test'), 7, before)).toEqual([])
    expect(await dropPartitions(stack.transact.quiet('a test'), 7, endOfTime)).toEqual(['d20200302'])
  })
})

describe('a journal whose clock was set', () => {
  it('creates the missing day and repeats the write', async () => {
    const accountId = newId()
    const days = await database.query<{ name: string }>(
      "SELECT relname AS name FROM pg_class WHERE relnamespace = 'journal_days'::regnamespace AND relkind = 'r'",
    )
    const stream = await stack.journal.open({ accountId })
    // As after a jump of the clock: none of the days that there are takes what is written now.
    for (const { name } of days) await database.query(`ALTER TABLE journal DETACH PARTITION journal_days.${name}`)
    for (const { name } of days) await database.query(`DROP TABLE journal_days.${name}`)
    const reading = collect(stream, 1)
    await write(accountId, 'after the jump')
    expect(await reading).toEqual(['after the jump'])
  })

  it.each(['3 days', '-3 days'])('hands out entries that are dated %s from now', async (distance) => {
    const accountId = newId()
    const [day] = await database.query<{ name: string; from: string; to: string }>(
      `SELECT to_char(day, 'YYYYMMDD') AS name, day::text AS from, (day + interval '1 day')::text AS to
       FROM date_trunc('day', (now() + $1::interval) AT TIME ZONE 'UTC') AS day`,
      [distance],
    )
    await database.query(
      `CREATE TABLE IF NOT EXISTS journal_days.d${day?.name} PARTITION OF journal FOR VALUES FROM ('${day?.from}+00') TO ('${day?.to}+00')`,
    )
    const stream = await stack.journal.open({ accountId })
    const reading = collect(stream, 1)
    await stack.transact(async (tx) => {
      await tx.query(
        `INSERT INTO journal (at, account_id, type, subject, actor, data)
         VALUES (now() + $2::interval, $1, 'test.dated', 'test:1', '{}', '{"key": "dated"}')`,
        [accountId, distance],
      )
      tx.journal(entry(newId(), 'wakes the tail'))
    })
    expect(await reading).toEqual(['dated'])
  })
})

describe('a journal beside open transactions', () => {
  async function openTransaction(url: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query('BEGIN')
    await client.query('SELECT pg_current_xact_id()')
    return client
  }

  it('does not wait for one that can’t write it, in its own or another database', async () => {
    const neighbour = await createTestDatabase()
    const clients = [await openTransaction(neighbour.url), await openTransaction(database.url)]
    try {
      const accountId = newId()
      const stream = await stack.journal.open({ accountId })
      const reading = collect(stream, 3)
      for (const key of ['a', 'b', 'c']) await write(accountId, key)
      expect(await reading).toEqual(['a', 'b', 'c'])
      const page = await stack.journal.page({ accountId }, undefined, 10)
      expect(page.map((one) => one.data['key'])).toEqual(['a', 'b', 'c'])
    } finally {
      for (const client of clients) await client.end()
      await neighbour.drop()
    }
  })

  it('waits for one that can, and says so', async () => {
    const accountId = newId()
    const stream = await stack.journal.open({ accountId })
    const reading = collect(stream, 2)
    let finish = () => {}
    const slow = stack.transact(async (tx) => {
      await tx.query('SELECT pg_current_xact_id()')
      await new Promise<void>((resolve) => {
        finish = resolve
        void write(accountId, 'later')
      })
      tx.journal(entry(accountId, 'earlier'))
    })
    await until(() => stack.journal.heldMs > 300)
    expect((await stack.journal.page({ accountId }, undefined, 10)).map((one) => one.data['key'])).toEqual([])
    finish()
    await slow
    expect(await reading).toEqual(['earlier', 'later'])
    await until(() => stack.journal.heldMs === 0)
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

describe('a journal whose end was lost', () => {
  let lost: TestDatabase
  let journals: JournalStack
  const accountId = newId()
  beforeEach(async () => {
    lost = await createTestDatabase()
    journals = await openJournal(lost.url)
  })
  afterEach(async () => {
    await journals.close()
    await lost.drop()
  })

  async function add(key: string, subject = 'test:1'): Promise<string> {
    const stream = await journals.journal.open({ accountId, subject })
    await journals.transact(async (tx) => tx.journal(entry(accountId, key, { subject })))
    for await (const item of stream) if (item.kind === 'entry') return item.cursor
    throw new Error('the stream has ended')
  }

  /** As a failover to a standby leaves it that has not received the last entries, and counts on a timeline of its own. */
  async function failOver(key: string): Promise<void> {
    await lost.query(`DELETE FROM journal WHERE data->>'key' = $1`, [key])
    await lost.query(
      `CREATE OR REPLACE FUNCTION journal_history_number() RETURNS BIGINT LANGUAGE sql STABLE
       AS $$ SELECT ('x' || left(pg_walfile_name('0/1'), 8))::bit(32)::bigint + 1 $$`,
    )
    await reconnect()
  }

  async function reconnect(): Promise<void> {
    await lost.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'signalbox session'`,
    )
  }

  it('expires the cursors that stood in what was lost, and honours the others', async () => {
    const kept = await add('kept')
    const gone = await add('gone')
    await failOver('gone')
    await journals.transact(async (tx) => tx.journal(entry(accountId, 'new')))
    const [, fresh = ''] = await until(async () => {
      const page = await journals.journal.page({ accountId }, undefined, 10)
      return page.length === 2 && page.map((one) => journals.journal.cursorOf(one))
    })
    await expect(journals.journal.open({ accountId }, { after: gone })).rejects.toThrow(CursorExpired)
    await expect(journals.journal.open({ accountId }, { after: gone })).rejects.toThrow('was lost')
    expect(await collect(await journals.journal.open({ accountId }, { after: kept }), 1)).toEqual(['new'])
    const again = await journals.journal.open({ accountId }, { after: fresh })
    again.close()
  })

  it('ends the streams that were handed what was lost, and goes on with the others', async () => {
    const affected = (await journals.journal.open({ accountId, subject: 'test:1' }))[Symbol.asyncIterator]()
    const other = (await journals.journal.open({ accountId, subject: 'test:2' }))[Symbol.asyncIterator]()
    const seen = [affected.next(), other.next()]
    await add('first', 'test:2')
    await add('gone')
    await Promise.all(seen)
    const [ended, going] = [affected.next(), other.next()]
    await failOver('gone')
    await journals.transact(async (tx) => tx.journal(entry(accountId, 'second', { subject: 'test:2' })))
    await expect(ended).rejects.toThrow(CursorExpired)
    expect((await going).value).toMatchObject({ kind: 'entry', entry: { data: { key: 'second' } } })
    await other.return?.(undefined)
  })

  it('starts counting again, and knows which cursors it can honour, when a dump was restored elsewhere', async () => {
    const kept = await add('kept')
    const gone = await add('gone')
    await journals.close()
    await lost.query(`DELETE FROM journal WHERE data->>'key' = 'gone'`)
    await lost.query('UPDATE journal_history SET system_identifier = 1 WHERE number > 0')
    journals = await openJournal(lost.url)
    await add('new')
    await expect(journals.journal.open({ accountId }, { after: gone })).rejects.toThrow(CursorExpired)
    expect(await collect(await journals.journal.open({ accountId }, { after: kept }), 1)).toEqual(['new'])
    const [count] = await lost.query<{ count: number }>('SELECT count(*)::int AS count FROM journal_history')
    expect(count?.count).toBe(3)
  })

  it('notices another history of the same number', async () => {
    const former = await add('former')
    const stream = await journals.journal.open({ accountId })
    const reading = collect(stream, 1)
    // Another standby was promoted to the same timeline, and registered it first.
    await lost.query(
      "UPDATE journal_history SET tag = 'other' WHERE number = (SELECT max(number) FROM journal_history)",
    )
    await reconnect()
    await expect(reading).rejects.toThrow(CursorExpired)
    await expect(journals.journal.open({ accountId }, { after: former })).rejects.toThrow(CursorExpired)
    await add('new')
  })

  it('honours cursors from before histories had numbers', async () => {
    const former = (xid: bigint, seq: bigint) => {
      const [tag = ''] = Buffer.from(journalCursor(accountId, beginning, '0'), 'base64url')
        .toString()
        .split('|')
        .slice(1)
      return Buffer.from(['j1', tag, xid.toString(36), seq.toString(36)].join('|')).toString('base64url')
    }
    await lost.query(
      `INSERT INTO journal (xid, account_id, type, subject, actor, data) VALUES (100, $1, 'test.old', 'test:1', '{}', '{"key": "old"}')`,
      [accountId],
    )
    await add('new')
    for (const cursor of [former(99n, endOfTime.seq), former(1n, 1n)])
      expect(await collect(await journals.journal.open({ accountId }, { after: cursor }), 2)).toEqual(['old', 'new'])
    await expect(journals.journal.open({ accountId }, { after: former(101n, 1n) })).rejects.toThrow(CursorExpired)
  })
})
