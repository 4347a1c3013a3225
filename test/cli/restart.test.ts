import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { records, start } from '#test/support/command-line.ts'
import { type ServerProcess, spawnServer, startServerProcess } from '#test/support/process.ts'
import { startReceiver } from '#test/support/receiver.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, loopbackAllowed, trigger } from '#test/support/webhooks.ts'

let database: TestDatabase
let dataDir: string
let server: ServerProcess
beforeEach(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-restart-'))
  server = await startServerProcess({ dataDir, databaseUrl: database.url })
})
afterEach(async () => {
  await server.end('SIGTERM')
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

it('continues to watch a task when the server was killed and comes back, and says so once', async () => {
  const args = ['--set', 'durationMs=3000', '--set', 'steps=10', '--attempts', '2', '--watch']
  const env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }
  const watching = start(['task', 'submit', 'probe', ...args], { env })
  await watching.says('step: step 2 of 10')
  await server.end('SIGKILL')
  await watching.says('reconnecting…', 'stderr')
  const { port } = new URL(server.url)
  server = await spawnServer({ dataDir, databaseUrl: database.url, env: { PORT: port } })
  expect(await watching.ended).toBe(0)
  expect(watching.stderr()).toBe('The server does not answer; reconnecting…\nConnected again.\n')
  expect(watching.stdout()).toContain('step: step 10 of 10')
  expect(watching.stdout()).toMatch(/^completed in/m)
}, 60_000)

it('deliveries are followed on when the server comes back', async () => {
  const receiver = await startReceiver()
  await server.end('SIGTERM')
  server = await startServerProcess({ dataDir, databaseUrl: database.url, env: loopbackAllowed })
  const env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }
  const following = start(['webhook', 'deliveries', '--follow', '--json'], { env })
  const told = () => records<{ deliveryId: string }>(following.stdout()).map(({ deliveryId }) => deliveryId)
  await createWebhook(server, { url: receiver.url })
  // Whatever was told before it listened is not to be told again.
  const first = await until(async () => {
    const { deliveryIds } = await trigger(server, { type: 'test.before' })
    return told().length > 0 && deliveryIds[0]
  })
  await until(() => told().includes(first))
  await server.end('SIGKILL')
  await following.says('reconnecting…', 'stderr')
  const { url } = server
  const settings = { ...loopbackAllowed, PORT: new URL(url).port }
  server = { ...(await spawnServer({ dataDir, databaseUrl: database.url, env: settings })), url }
  await following.says('Connected again.', 'stderr')
  const { deliveryIds } = await trigger(server, { type: 'test.after' })
  await until(() => told().includes(deliveryIds[0] ?? ''))
  expect(new Set(told()).size).toBe(told().length)
  expect(following.stderr()).toBe('The server does not answer; reconnecting…\nConnected again.\n')
  following.child.kill('SIGINT')
  expect(await following.ended).toBe(130)
  await receiver.close()
}, 60_000)
