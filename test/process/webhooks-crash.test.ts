import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, loopbackAllowed, quickRetry } from '#test/support/webhooks.ts'

/** More with `WEBHOOK_CRASH_DELIVERIES=10000`. */
const deliveries = Number(process.env['WEBHOOK_CRASH_DELIVERIES'] ?? 2_000)
const endpoints = 4
const perRequest = 20

let database: TestDatabase
let dataDir: string
let receiver: Receiver
const started: ServerProcess[] = []

beforeEach(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-webhooks-'))
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

async function triggerMany(server: ServerProcess, from: number, count: number): Promise<void> {
  const fields = Array.from(
    { length: count },
    (_, index) => `t${index}: triggerEvent(input: { type: "crash.one", data: { n: ${from + index} } }) { __typename }`,
  )
  await graphqlData(server, `mutation { ${fields.join('\n')} }`)
}

it('kill -9 of every process in the middle loses no delivery, and changes no id', async () => {
  const events = deliveries / endpoints
  const [first, second] = [await start(), await start()]
  for (let endpoint = 0; endpoint < endpoints; endpoint += 1)
    await createWebhook(first, {
      url: `${receiver.url}/${endpoint}`,
      events: ['crash.one'],
      retry: { ...quickRetry, maxAttempts: 50 },
    })
  let answered = 0
  // Some fail, and all take a while until then, so that there is something of everything when the processes die.
  let answerMs = 500
  receiver.answer((_req, res) => {
    answered += 1
    const status = answered % 10 === 0 ? 500 : 204
    setTimeout(() => res.writeHead(status).end(), answerMs)
  })
  const beginnings = Array.from({ length: Math.ceil(events / perRequest) }, (_, index) => index * perRequest)
  await Promise.all(beginnings.map((from) => triggerMany(first, from, Math.min(perRequest, events - from))))
  const before = answered
  await Promise.all([first.end('SIGKILL'), second.end('SIGKILL')])
  expect(before).toBeLessThan(deliveries)
  answerMs = 0
  await start()
  await until(async () => {
    const [left] = await database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM delivery WHERE event_type = 'crash.one' AND status <> 'DELIVERED'`,
    )
    const [made] = await database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM delivery WHERE event_type = 'crash.one'`,
    )
    return left?.count === 0 && made?.count === deliveries
  }, 120_000)
  const ids = new Map<string, Set<string>>()
  for (const { path, body, headers } of receiver.received) {
    const { type, data } = JSON.parse(body)
    if (type !== 'crash.one') continue
    const pair = `${path} ${data.n}`
    ids.set(pair, (ids.get(pair) ?? new Set()).add(String(headers['webhook-id'])))
  }
  expect(ids.size).toBe(deliveries)
  expect([...ids.values()].filter(({ size }) => size !== 1)).toEqual([])
  expect(new Set([...ids.values()].flatMap((one) => [...one])).size).toBe(deliveries)
}, 240_000)
