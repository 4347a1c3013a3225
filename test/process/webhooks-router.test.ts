import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, loopbackAllowed, trigger } from '#test/support/webhooks.ts'

/** How long it may take on a machine that has other things to do; it is to be about a second. */
const takeoverMs = 5_000

let database: TestDatabase
let dataDir: string
let receiver: Receiver
const started: ServerProcess[] = []

beforeEach(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-router-'))
  receiver = await startReceiver()
})
afterEach(async () => {
  for (const server of started.splice(0)) await server.end('SIGKILL')
  await receiver.close()
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

async function start(): Promise<ServerProcess> {
  const server = await startServerProcess({ dataDir, databaseUrl: database.url, env: loopbackAllowed })
  started.push(server)
  return server
}

/** Keeps the active router from ending its transaction, so that it is known to be routing. */
async function holdRouter() {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query('BEGIN')
  await client.query('SELECT 1 FROM delivery_cursor FOR UPDATE')
  return {
    isWaitedFor: async () => {
      const waiting = 'SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))'
      return (await client.query(waiting)).rowCount === 1
    },
    async release() {
      await client.query('ROLLBACK')
      await client.end()
    },
  }
}

it('a process that is killed while it routes is followed by another at once, which tells each event once', async () => {
  const first = await start()
  await createWebhook(first, { url: receiver.url, events: ['router.*'] })
  await receiver.got(1)
  const held = await holdRouter()
  const before = await trigger(first, { type: 'router.before' })
  await until(held.isWaitedFor)
  const meanwhile = await trigger(first, { type: 'router.meanwhile' })
  const second = await start()
  await first.end('SIGKILL')
  await held.release()
  const after = await trigger(second, { type: 'router.after' })
  const arrived = () => receiver.received.map(({ headers }) => headers['webhook-id'])
  const expected = [before, meanwhile, after].flatMap(({ deliveryIds }) => deliveryIds)
  expect(expected).toHaveLength(3)
  await until(() => expected.every((id) => arrived().includes(id)), takeoverMs)
  expect(arrived().toSorted()).toEqual([...new Set(arrived())].toSorted())
  const [{ count } = { count: 0 }] = await database.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM delivery WHERE event_type LIKE 'router.%'`,
  )
  expect(count).toBe(3)
}, 60_000)
