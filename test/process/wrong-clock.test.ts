import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { auditEntriesOnce } from '#test/support/audit.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { createWebhook, loopbackAllowed } from '#test/support/webhooks.ts'
import { connectSocket } from '#test/support/websocket.ts'

const dayMs = 24 * 60 * 60 * 1000
const preload = pathToFileURL(join(import.meta.dirname, '../fixtures/process/shifted-clock.ts')).href

let database: TestDatabase
let directory: string
let receiver: Receiver
let server: ServerProcess
const started: ServerProcess[] = []
beforeEach(async () => {
  database = await createTestDatabase()
  directory = mkdtempSync(join(tmpdir(), 'signalbox-clock-'))
  receiver = await startReceiver()
})
afterEach(async () => {
  for (const one of started.splice(0)) await one.end('SIGKILL')
  await receiver.close()
  rmSync(directory, { recursive: true, force: true })
  await database.drop()
})

async function startAt(shiftMs: number): Promise<void> {
  server = await startServerProcess({
    dataDir: directory,
    databaseUrl: database.url,
    env: { ...loopbackAllowed, NODE_OPTIONS: `--import ${preload}`, CLOCK_SHIFT_MS: String(shiftMs) },
  })
  started.push(server)
}

async function trigger(subject: string): Promise<void> {
  await graphqlData(
    server,
    'mutation ($subject: String) { triggerEvent(input: { type: "test.ticked", subject: $subject }) { __typename } }',
    { subject },
  )
}

describe.each([
  ['ahead of', 3 * dayMs],
  ['behind', -3 * dayMs],
])('a server whose clock is days %s the database’s', (_, shiftMs) => {
  it('delivers, audits and revokes what happens then, and after its clock was set', async () => {
    await startAt(shiftMs)
    await createWebhook(server, { url: receiver.url, events: ['test.*'] })
    await trigger('tick:wrong')
    await receiver.got(1)
    await auditEntriesOnce(server, { types: ['test.ticked'] }, 1)
    await expectRevocation()

    await server.end('SIGKILL')
    await startAt(0)
    await trigger('tick:right')
    await receiver.got(2)
    await auditEntriesOnce(server, { types: ['test.ticked'] }, 2)
  }, 60_000)
})

/** A revoked token's connection ends. */
async function expectRevocation(): Promise<void> {
  const { createApplicationToken: made } = await graphqlData<{
    createApplicationToken: { token: string; applicationToken: { id: string } }
  }>(
    server,
    `mutation { createApplicationToken(input: { name: "one", scopes: ["events:read"], expiresInDays: 30 }) {
      ... on CreateApplicationTokenPayload { token applicationToken { id } } } }`,
  )
  const socket = await connectSocket(server, { token: made.token })
  await graphqlData(server, 'mutation ($id: String!) { revokeApplicationToken(input: { id: $id }) { __typename } }', {
    id: made.applicationToken.id,
  })
  expect((await socket.closed).code).toBeGreaterThanOrEqual(4400)
}
