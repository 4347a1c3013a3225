import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Cluster, createCluster } from '#test/support/cluster.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { cloneTemplate, createTemplate } from '#test/support/template.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, loopbackAllowed, quickRetry } from '#test/support/webhooks.ts'

/** More with `WEBHOOK_CRASH_DELIVERIES=10000`. */
const deliveries = Number(process.env['WEBHOOK_CRASH_DELIVERIES'] ?? 2_000)
const endpoints = 4
const perRequest = 20

let cluster: Cluster
let databaseUrl: string
let databases = 0
let dataDir: string
let receiver: Receiver
const started: ServerProcess[] = []

beforeAll(async () => {
  cluster = await createCluster()
  await cluster.start()
  await createTemplate(cluster.url)
})
beforeEach(async () => {
  databases += 1
  databaseUrl = await cloneTemplate(cluster.url, `crash${databases}`)
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-webhooks-'))
  receiver = await startReceiver()
})
afterEach(async () => {
  for (const server of started.splice(0)) await server.end('SIGKILL')
  await receiver.close()
  await rm(dataDir, { recursive: true, force: true })
})
afterAll(() => cluster.remove())

async function start(): Promise<ServerProcess> {
  const server = await startServerProcess({ dataDir, databaseUrl, env: loopbackAllowed })
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

/** How many deliveries there are, and how many of them arrived. */
async function countDeliveries(): Promise<{ made: number; delivered: number }> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query(
    `SELECT count(*)::int AS made, count(*) FILTER (WHERE status = 'DELIVERED')::int AS delivered
     FROM delivery WHERE event_type = 'crash.one'`,
  )
  await client.end()
  return rows[0]
}

it.each([
  ['every process', async () => {}],
  [
    'every process and the database',
    async () => {
      await cluster.kill()
      await cluster.start()
    },
  ],
])(
  'kill -9 of %s in the middle loses no delivery, and changes no id',
  async (_name, killMore) => {
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
    await until(() => answered > events / 10)
    await Promise.all([first.end('SIGKILL'), second.end('SIGKILL'), killMore()])
    const { delivered } = await countDeliveries()
    expect(delivered).toBeLessThan(deliveries)
    answerMs = 0
    await start()
    await until(async () => {
      const count = await countDeliveries()
      return count.made === deliveries && count.delivered === deliveries
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
  },
  240_000,
)
