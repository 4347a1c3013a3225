import { PgBoss } from 'pg-boss'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { createWebhook, deliveryThat, endedDelivery, loopbackAllowed, trigger } from '#test/support/webhooks.ts'

let server: TestServer
let receiver: Receiver
let boss: PgBoss

beforeAll(async () => {
  receiver = await startReceiver()
  server = await startTestServer({ env: loopbackAllowed })
  boss = new PgBoss({ connectionString: server.database.url, schema: 'pgboss', supervise: false, schedule: false })
  await boss.start()
})
afterAll(async () => {
  await boss.stop({ graceful: false })
  await server.close()
  await receiver.close()
})

/** The jobs for retries, as pg-boss itself tells them. */
async function jobs() {
  return boss.findJobs<{ deliveryId: string }>('webhook-retries')
}

it('a retry is a job of pg-boss that is due with it, and is gone once it starts', async () => {
  await createWebhook(server, {
    url: `${receiver.url}/retried`,
    events: ['retried.one'],
    retry: { maxAttempts: 2, backoff: 'FIXED', delayMs: 3_600_000 },
  })
  await receiver.got(1, 'retried')
  receiver.answer((_req, res) => res.writeHead(503).end())
  const { deliveryIds } = await trigger(server, { type: 'retried.one' })
  const id = deliveryIds[0]!
  const failed = await deliveryThat(server, id, ({ attempt, status }) => attempt === 1 && status === 'PENDING')
  const [job, ...more] = await jobs()
  expect(more).toEqual([])
  expect(job).toMatchObject({ state: 'created', data: { deliveryId: id } })
  expect(job?.startAfter.toISOString()).toBe(failed.nextAttemptAt)

  // Once the job is due, and not before.
  receiver.answer((_req, res) => res.writeHead(204).end())
  await server.database.query("UPDATE pgboss.job SET start_after = now() WHERE name = 'webhook-retries'")
  expect(await endedDelivery(server, id)).toMatchObject({ status: 'DELIVERED', attempt: 2 })
  expect(await jobs()).toEqual([])
})

it('a redelivery is a job of pg-boss that is due at once', async () => {
  await createWebhook(server, {
    url: `${receiver.url}/again`,
    events: ['again.one'],
    retry: { maxAttempts: 1 },
  })
  await receiver.got(1, 'again')
  receiver.answer((_req, res) => res.writeHead(503).end())
  const { deliveryIds } = await trigger(server, { type: 'again.one' })
  expect(await endedDelivery(server, deliveryIds[0]!)).toMatchObject({ status: 'FAILED' })
  receiver.answer((_req, res) => res.writeHead(204).end())
  const mutation = 'mutation ($id: ID!) { redeliver(input: { deliveryId: $id }) { ... on RedeliverPayload { count } } }'
  expect(await graphqlData(server, mutation, { id: deliveryIds[0] })).toEqual({ redeliver: { count: 1 } })
  expect(await endedDelivery(server, deliveryIds[0]!)).toMatchObject({ status: 'DELIVERED', attempt: 2 })
  expect(await jobs()).toEqual([])
})
