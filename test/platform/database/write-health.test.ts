import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '#platform/database/client.ts'
import { createTransact, type Transact } from '#platform/database/transaction.ts'
import { WriteHealth } from '#platform/database/write-health.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

let test: TestDatabase
let database: Database
let health: WriteHealth
let transact: Transact

beforeEach(async () => {
  test = await createTestDatabase()
  database = openDatabase({ url: test.url, poolSize: 2, onError: () => undefined })
  health = new WriteHealth({ sql: database, log: createLog({ level: 'silent', format: 'json' }), intervalMs: 10 })
  transact = createTransact(
    database.pool,
    () => undefined,
    async (error) => {
      health.failed(error)
      return false
    },
  )
})
afterEach(async () => {
  await health.stop()
  await database.close()
  await test.drop()
})

const write = () =>
  transact.quiet('a probe')(async (tx) => tx.query("INSERT INTO write_probe (id, filler) VALUES (0, '')"))

describe('whether the database takes writes', () => {
  it('is found out again after one was refused, by one that is not', async () => {
    // Sessions that begin from now on may only read.
    const [{ name } = { name: '' }] = await test.query<{ name: string }>('SELECT current_database() AS name')
    await test.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`)
    await expect(write()).rejects.toThrow('read-only transaction')
    expect(health.canWrite).toBe(false)
    await expect(write()).rejects.toThrow('read-only transaction')
    await test.query(`ALTER DATABASE ${name} SET default_transaction_read_only = off`)
    await test.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    )
    await until(() => health.canWrite)
    await write()
    expect(await test.query('SELECT id FROM write_probe')).toEqual([{ id: 0 }])
  })

  it('is not doubted for what is wrong with one statement', async () => {
    await write()
    await expect(write()).rejects.toThrow('duplicate key')
    await expect(transact((tx) => tx.query('SELECT 1 / 0'))).rejects.toThrow('division by zero')
    await expect(transact(() => Promise.reject(new Error('no reason of the database')))).rejects.toThrow('no reason')
    expect(health.canWrite).toBe(true)
  })
})
