import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, loopbackAllowed } from '#test/support/webhooks.ts'
import { type CountingReceiver, startCountingReceiver } from './counting-receiver.ts'

/** All of it with `WEBHOOK_STORM_EVENTS=100000`. */
const events = Number(process.env['WEBHOOK_STORM_EVENTS'] ?? 5_000)
const perRequest = 500
const callers = 4
/** How much memory the process may have had at its peak, however many events there are, in MiB. */
const maxMemory = 1_024

let database: TestDatabase
let dataDir: string
let receiver: CountingReceiver
let server: ServerProcess

beforeEach(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-storm-'))
  receiver = await startCountingReceiver()
  server = await startServerProcess({ dataDir, databaseUrl: database.url, env: loopbackAllowed })
})
afterEach(async () => {
  await server.end('SIGKILL')
  await receiver.close()
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

/** The most memory that the server's process has had, in MiB; undefined where the system doesn't say. */
async function peakMemory(): Promise<number | undefined> {
  const status = await readFile(`/proc/${server.child.pid}/status`, 'utf8').catch(() => '')
  const [, kibibytes] = /^VmHWM:\s+(\d+)/m.exec(status) ?? []
  return kibibytes === undefined ? undefined : Number(kibibytes) / 1024
}

async function write(from: number, count: number): Promise<void> {
  const writes = Array.from({ length: count }, (_, index) => ({
    put: { collection: 'storm', key: `d${from + index}`, data: { n: from + index } },
  }))
  await graphqlData(
    server,
    'mutation ($input: WriteDocumentsInput!) { writeDocuments(input: $input) { __typename } }',
    {
      input: { writes },
    },
  )
}

it('a storm of events reaches every receiver that takes them, and fills no memory', async () => {
  const hook = (path: string, more: object = {}) =>
    createWebhook(server, { url: `${receiver.url}/${path}`, events: ['document.created'], concurrency: 50, ...more })
  await hook('well')
  await hook('ordered', { order: 'PER_SUBJECT' })
  // It takes nothing: the circuit opens, and all of it waits.
  await createWebhook(server, { url: 'http://127.0.0.1:9/', events: ['document.created'] })
  let next = 0
  const beginnings = Array.from({ length: Math.ceil(events / perRequest) }, (_, index) => index * perRequest)
  const call = async () => {
    for (let from = beginnings[next++]; from !== undefined; from = beginnings[next++])
      await write(from, Math.min(perRequest, events - from))
  }
  await Promise.all(Array.from({ length: callers }, call))
  await until(() => receiver.seen('/well') >= events && receiver.seen('/ordered') >= events, 600_000)
  const peak = await peakMemory()
  if (peak !== undefined) expect(peak).toBeLessThan(maxMemory)
  const [{ made } = { made: 0 }] = await database.query<{ made: number }>(
    `SELECT count(*)::int AS made FROM delivery WHERE event_type = 'document.created'`,
  )
  expect(made).toBe(events * 3)
}, 900_000)
