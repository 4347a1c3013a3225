import { PgBoss } from 'pg-boss'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
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

const soon = 3_600_000

it('what waits for a job that is gone is found when a process starts', async () => {
  const { submitTask } = await graphqlData<{ submitTask: object }>(
    server,
    'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { __typename ... on Failure { message } } }',
    { input: { type: 'probe', input: {}, runAt: new Date(Date.now() + soon) } },
  )
  expect(submitTask).toEqual({ __typename: 'SubmitTaskPayload' })
  await createWebhook(server, {
    url: `${receiver.url}/lost`,
    events: ['lost.one'],
    retry: { maxAttempts: 2, backoff: 'FIXED', delayMs: soon },
  })
  await receiver.got(1, 'lost')
  receiver.answer((_req, res) => res.writeHead(503).end())
  const { deliveryIds } = await trigger(server, { type: 'lost.one' })
  const delivery = deliveryIds[0]!
  await deliveryThat(server, delivery, ({ attempt, status }) => attempt === 1 && status === 'PENDING')
  receiver.answer((_req, res) => res.writeHead(204).end())

  const [retry] = await boss.findJobs('webhook-retries')
  await boss.deleteJob('webhook-retries', retry!.id)
  const [start] = await boss.findJobs('tasks-normal')
  await boss.cancel('tasks-normal', start!.id)
  await server.database.query(`UPDATE task SET run_at = now() - interval '2 minutes'`)
  await server.database.query(`UPDATE delivery SET due_at = now() - interval '2 minutes' WHERE status = 'PENDING'`)
  const task = async () => (await server.database.query<{ status: string }>('SELECT status FROM task'))[0]?.status
  await until(async () => (await task()) === 'PENDING')

  const other = await startTestServer({ database: server.database, env: loopbackAllowed })
  try {
    expect(await endedDelivery(server, delivery)).toMatchObject({ status: 'DELIVERED', attempt: 2 })
    await until(async () => (await task()) === 'COMPLETED')
  } finally {
    await other.close()
  }
})
