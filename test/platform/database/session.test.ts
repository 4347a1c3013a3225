import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aliveLock, DatabaseSession } from '#platform/database/session.ts'
import { PostgresWake } from '#platform/wake/postgres-wake.ts'
import { log } from '#test/support/embedded.ts'
import { Forwarder } from '#test/support/failover/forwarder.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

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
  session = new DatabaseSession({
    url: database.url,
    onConnect: () => {},
    patienceMs: 40_000,
    log,
  })
  session.listen('news', (payload) => heard.push(payload))
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
  const held = `SELECT objid::int AS id FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = ${aliveLock}
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
  return (await database.query<{ id: number }>(held)).map(({ id }) => id)
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

describe('a session whose connection is half-open', () => {
  it('notices it under load, and makes another one', async () => {
    const { port } = new URL(database.url)
    const address = await Forwarder.open(Number(port))
    const url = new URL(database.url)
    url.port = String(address.port)
    const lost: string[] = []
    const forwarded = new DatabaseSession({
      url: url.href,
      onConnect: () => {},
      onLost: (reason) => lost.push(reason),
      patienceMs: 40_000,
      log,
    })
    forwarded.listen('news', (payload) => heard.push(payload))
    const wake = new PostgresWake({ session: forwarded, log })
    await forwarded.open()
    await forwarded.holdAlive(8)
    const load = setInterval(() => wake.send('load', String(Math.random())), 5)
    try {
      address.dropPackets()
      await until(() => lost.length > 0)
      expect(lost).toEqual(['silent'])
      await until(async () => (await aliveIds()).includes(8))
      await hears('again')
    } finally {
      clearInterval(load)
      await forwarded.close()
      await address.close()
    }
  })
})
