import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aliveIdsSql, DatabaseSession } from '#platform/database/session.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { log } from './fixture.ts'

const id = 7
let database: TestDatabase
let session: DatabaseSession
const heard: string[] = []
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  heard.length = 0
  const onNotify = (_channel: string, payload: string) => void heard.push(payload)
  session = new DatabaseSession({ url: database.url, channels: ['news'], onNotify, onConnect: () => {}, log })
  await session.open()
  await session.holdAlive(id)
})
afterEach(() => session.close())

const isOurs = `application_name = 'signalbox session' AND datname = current_database()`

/** Breaks the session's connections on the database's side. */
async function breakConnection(): Promise<void> {
  await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${isOurs}`)
}

async function hears(payload: string): Promise<void> {
  await until(async () => {
    await database.query(`SELECT pg_notify('news', $1)`, [payload])
    return heard.includes(payload)
  })
}

async function aliveIds(): Promise<number[]> {
  return (await database.query<{ objid: number }>(aliveIdsSql)).map(({ objid }) => objid)
}

describe('a session whose connection breaks', () => {
  it('makes another one, hears what is said, and holds its sign of life again', async () => {
    await breakConnection()
    await hears('again')
    expect(await aliveIds()).toEqual([id])
  })

  it('takes its sign of life from a connection that the database still believes in', async () => {
    const former = new pg.Client({ connectionString: database.url })
    const ended = new Promise<Error>((resolve) => former.on('error', resolve))
    await former.connect()
    const held = former.query('SELECT pg_advisory_lock(classid::int, objid::int) FROM pg_locks WHERE objid = $1', [id])
    await until(async () => (await database.query('SELECT 1 FROM pg_locks WHERE NOT granted')).length > 0)
    await breakConnection()
    await held
    expect((await ended).message).toMatch('terminating connection due to administrator command')
    await hears('again')
    expect(await aliveIds()).toEqual([id])
  })
})
