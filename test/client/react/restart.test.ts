import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createClient } from '#client/client.ts'
import { useConnection, useLogs, useTask } from '#client/react/index.ts'
import { freePort } from '#platform/system/free-port.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { createTestDatabase, startTestServer, type TestDatabase } from '#test/support/server.ts'
import { openPage, renderHook } from './render.ts'

const configFile = join(import.meta.dirname, '../../fixtures/shared/signalbox.config.ts')

let page: ReturnType<typeof openPage>
let database: TestDatabase
beforeAll(async () => {
  page = openPage()
  database = await createTestDatabase()
})
afterAll(async () => {
  await database.drop()
  await page.close()
})

it('follows a task and its log through a restart of the server, each line once', async () => {
  const env = { PORT: String(await freePort()), LOG_LEVEL: 'silent', SHUTDOWN_TIMEOUT_MS: '500' }
  const first = await startTestServer({ database, configFile, env })
  const { url, token } = first
  const until = join(tmpdir(), `signalbox-restart-${randomUUID()}`)
  const { submitTask } = await graphqlData<{ submitTask: { task: { id: string } } }>(
    first,
    'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } } }',
    { input: { type: 'holds', input: { until } } },
  )
  const { id } = submitTask.task
  const client = createClient({ url, token })
  const hook = await renderHook(client, () => ({ task: useTask(id), log: useLogs(id), connection: useConnection() }))
  await hook.until(({ task, log }) => task.isLive && log.isLive && log.data?.lines.length === 3)

  await first.close()
  await hook.until(({ connection, log }) => connection.state === 'lost' && !log.isLive)
  const second = await startTestServer({ database, configFile, env })
  // The attempt that the first server gave back runs again, and writes its lines again.
  await hook.until(({ log, connection }) => connection.state === 'open' && log.data?.lines.length === 6)
  writeFileSync(until, '')
  const { log } = await hook.until(({ task }) => task.data?.status === 'COMPLETED')
  const lines = await database.query<{ message: string }>(
    'SELECT message FROM task_log WHERE task_id = $1 ORDER BY seq',
    [id],
  )
  expect(log.data?.lines.map(({ message }) => message)).toEqual(lines.map(({ message }) => message))
  hook.unmount()
  await client.close()
  await second.close()
}, 90_000)
