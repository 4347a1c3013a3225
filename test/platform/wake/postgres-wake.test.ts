import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { DatabaseSession } from '#platform/database/session.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { PostgresWake } from '#platform/wake/postgres-wake.ts'
import { maxHintBytes } from '#platform/wake/wake.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

const log = createLog({ level: 'silent', format: 'json' })
let database: TestDatabase
const sessions: DatabaseSession[] = []
const heard: string[] = []

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(() => {
  heard.length = 0
})
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close()
})

function openWake() {
  const session = new DatabaseSession({ url: database.url, onConnect: () => {}, patienceMs: 40_000, log })
  sessions.push(session)
  return { session, wake: new PostgresWake({ session, log }) }
}

it('carries hints to other processes, each on its channel', async () => {
  const [sender, receiver] = [openWake(), openWake()]
  receiver.wake.listen('one', (text) => heard.push(`one ${text}`))
  receiver.wake.listen('two', (text) => heard.push(`two ${text}`))
  await sender.session.open()
  await receiver.session.open()
  const long = 'x'.repeat(maxHintBytes)
  sender.wake.send('two', long)
  sender.wake.send('three', 'nobody listens')
  sender.wake.send('one', 'a')
  await until(async () => heard.includes('one a'))
  expect(heard).toEqual([`two ${long}`, 'one a'])
})

it('drops hints while there is no connection, and goes on afterwards', async () => {
  const { session, wake } = openWake()
  wake.listen('one', (text) => heard.push(text))
  wake.send('one', 'before')
  await session.open()
  wake.send('one', 'after')
  await until(async () => heard.length > 0)
  expect(heard).toEqual(['after'])
})

it('keeps the newest hints, each text once, while others are being sent', async () => {
  const { session, wake } = openWake()
  wake.listen('one', (text) => heard.push(text))
  await session.open()
  wake.send('one', 'first')
  for (let at = 0; at < 300; at += 1) wake.send('one', String(at))
  wake.send('one', '299')
  await until(async () => heard.includes('299'))
  expect(heard).toEqual(['first', ...Array.from({ length: 200 }, (_, at) => String(at + 100))])
})
