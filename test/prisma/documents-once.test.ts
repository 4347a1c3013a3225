import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabaseBefore } from '#test/support/migrations.ts'

let database: Awaited<ReturnType<typeof createDatabaseBefore>>
beforeAll(async () => {
  database = await createDatabaseBefore('20261204100000_documents_once')
})
afterAll(() => database.drop())

const account = '00000000-0000-7000-8000-000000000009'

const historyOf = (relation: string) =>
  database.query(
    `SELECT key, version, data, deleted, at, by, created_at, expires_at, pinned, size_bytes FROM ${relation} ORDER BY key, version`,
  )

async function storedBytes(): Promise<number> {
  const [row] = await database.query<{ bytes: number }>(
    `SELECT sum(bytes)::int AS bytes FROM (
       SELECT used AS bytes FROM usage WHERE quota = 'storedBytes'
       UNION ALL SELECT amount FROM usage_change WHERE quota = 'storedBytes') AS each_part`,
  )
  return row?.bytes ?? 0
}

/** Writes a version as programs did before the migration: it becomes the document, and is written down beside it. */
async function writeAsBefore(key: string, version: number, data: object | null, pinned = false): Promise<void> {
  const values = [account, key, version, data && JSON.stringify(data), data === null, 10 * version]
  const at = `'2026-01-01T00:00:00Z'::timestamptz + $3::int * interval '1 second'`
  await database.query(
    `INSERT INTO document (account_id, collection, key, version, data, deleted, created_at, created_by, updated_at, updated_by, size_bytes)
     VALUES ($1, 'c', $2, $3::int, $4, $5, '2026-01-01', '{}', ${at}, '{}', $6)
     ON CONFLICT (account_id, collection, key) DO UPDATE SET version = excluded.version, data = excluded.data,
       deleted = excluded.deleted, updated_at = excluded.updated_at, size_bytes = excluded.size_bytes`,
    values,
  )
  await database.query(
    `INSERT INTO document_version (account_id, collection, key, version, data, deleted, created_at, created_by, at, by, size_bytes, pinned)
     VALUES ($1, 'c', $2, $3::int, $4, $5, '2026-01-01', '{}', ${at}, '{}', $6, $7)`,
    [...values, pinned],
  )
}

describe('the migration to current versions that are stored once', () => {
  it('changes nothing of what was written, nor of how much that is', async () => {
    await database.query(`INSERT INTO account (id, name) VALUES ('${account}', 'main')`)
    await database.query(`INSERT INTO collection (account_id, path, created_by) VALUES ('${account}', 'c', '{}')`)
    await writeAsBefore('pinned', 1, { n: 1 }, true)
    await writeAsBefore('pinned', 2, { n: 2 }, true)
    await writeAsBefore('deleted', 1, { n: 1 })
    await writeAsBefore('deleted', 2, null)
    await writeAsBefore('new', 1, { n: 1 })
    const [history, bytes] = [await historyOf('document_version'), await storedBytes()]
    expect([history.length, bytes]).toEqual([5, 70])
    await database.migrate()
    expect(await historyOf('document_history')).toEqual(history)
    expect(await storedBytes()).toBe(bytes)
    const overwritten = await database.query('SELECT key, version FROM document_version ORDER BY key')
    expect(overwritten).toEqual([
      { key: 'deleted', version: 1 },
      { key: 'pinned', version: 1 },
    ])
  })

  it('keeps the history whole while programs of the version before still write', async () => {
    await writeAsBefore('new', 2, { n: 2 })
    await writeAsBefore('new', 3, { n: 3 })
    const versions = await database.query(
      "SELECT version, data FROM document_history WHERE key = 'new' ORDER BY version",
    )
    expect(versions).toEqual([1, 2, 3].map((n) => ({ version: n, data: { n } })))
  })
})
