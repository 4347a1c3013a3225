import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canWrite } from '#platform/database/sql.ts'
import { NothingJournaled, type Transaction } from '#platform/database/transaction.ts'
import { type JournalStack, openJournal } from '#test/support/journal.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'

let testDatabase: TestDatabase
let stack: JournalStack
beforeAll(async () => {
  testDatabase = await createTestDatabase()
  stack = await openJournal(testDatabase.url)
})
afterAll(async () => {
  await stack.close()
  await testDatabase.drop()
})

const insert = 'INSERT INTO account (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING'
const update = 'UPDATE account SET name = $2 WHERE id = $1'

async function names(id: string): Promise<string[]> {
  const rows = await testDatabase.query<{ name: string }>('SELECT name FROM account WHERE id = $1', [id])
  return rows.map(({ name }) => name)
}

function note(tx: Transaction, accountId: string): void {
  const actor = { kind: 'system', id: 'test', name: 'test' } as const
  tx.journal({ accountId, type: 'account.made', subject: `account:${accountId}`, actor, data: {} })
}

describe('a transaction that has written rows', () => {
  it('is rolled back when it has journaled nothing, with what it ran', async () => {
    const id = randomUUID()
    const writing = stack.transact((tx) => tx.query(insert, [id, 'unnoted']))
    await expect(writing).rejects.toThrow(NothingJournaled)
    await expect(writing).rejects.toThrow(/It ran: INSERT INTO account/)
    expect(await names(id)).toEqual([])
  })

  it('is rolled back when the write was still under way at its end', async () => {
    const id = randomUUID()
    const writing = stack.transact(async (tx) => tx.beside(tx.query(insert, [id, 'unnoted'])))
    await expect(writing).rejects.toThrow(NothingJournaled)
    expect(await names(id)).toEqual([])
  })

  it('is rolled back when what it wrote are jobs', async () => {
    const id = randomUUID()
    await expect(stack.transact((tx) => tx.jobs.executeSql(insert, [id, 'unnoted']))).rejects.toThrow(NothingJournaled)
    expect(await names(id)).toEqual([])
  })

  it('is rolled back when a script wrote them', async () => {
    const id = randomUUID()
    const script = `INSERT INTO account (id, name) VALUES ('${id}', 'unnoted')`
    await expect(stack.transact((tx) => tx.script(script))).rejects.toThrow(NothingJournaled)
    expect(await names(id)).toEqual([])
  })

  it('is committed with an entry, or when it is quiet', async () => {
    const [noted, opened, turned] = [randomUUID(), randomUUID(), randomUUID()]
    await stack.transact(async (tx) => {
      await tx.query(insert, [noted, 'noted'])
      note(tx, noted)
    })
    await stack.transact.quiet('a test')((tx) => tx.query(insert, [opened, 'opened quiet']))
    await stack.transact(async (tx) => {
      tx.quiet('a test')
      await tx.query(insert, [turned, 'quiet'])
    })
    expect(await Promise.all([noted, opened, turned].map(names))).toEqual([['noted'], ['opened quiet'], ['quiet']])
  })
})

describe('a transaction that has written no row', () => {
  it('needs no entry', async () => {
    const id = randomUUID()
    await stack.transact.quiet('a test')((tx) => tx.query(insert, [id, 'there']))
    await stack.transact(async (tx) => {
      await tx.query('SELECT name FROM account WHERE id = $1 FOR UPDATE', [id])
      await tx.query('SELECT name FROM account WHERE id = $1 FOR NO KEY UPDATE', [id])
      tx.beside(tx.query(insert, [id, 'there already']))
      await tx.query(update, [randomUUID(), 'nobody'])
    })
    expect(await names(id)).toEqual(['there'])
  })
})

describe('a statement', () => {
  it.each([
    'insert into t values (1)',
    'WITH gone AS (DELETE\n FROM t RETURNING 1) SELECT count(*) FROM gone',
    'UPDATE t SET a = 1',
    'MERGE INTO t USING s ON true WHEN MATCHED THEN DO NOTHING',
    'TRUNCATE t',
  ])('can write: %s', (text) => {
    expect(canWrite(text)).toBe(true)
  })

  it.each([
    'SELECT updated_at, deleted FROM t FOR UPDATE SKIP LOCKED',
    'SELECT 1 FROM t FOR  NO  KEY UPDATE OF t',
    'SELECT pg_advisory_xact_lock($1)',
    'LOCK TABLE t IN EXCLUSIVE MODE',
    'SET LOCAL enable_seqscan = off',
  ])('can write nothing: %s', (text) => {
    expect(canWrite(text)).toBe(false)
  })
})
