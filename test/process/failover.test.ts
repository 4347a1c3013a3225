import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Forwarder } from '#test/support/failover/forwarder.ts'
import { createServerPair, type ServerPair } from '#test/support/failover/server-pair.ts'
import { submitTasks } from '#test/support/follower.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { cloneTemplate, createTemplate } from '#test/support/template.ts'
import { until } from '#test/support/until.ts'

const configFile = join(import.meta.dirname, '../fixtures/process/signalbox.config.ts')

let pair: ServerPair
let address: Forwarder
let directory: string
let database: string
let count = 0
const started: ServerProcess[] = []
beforeAll(async () => {
  pair = await createServerPair()
  address = await pair.openAddress()
  await createTemplate(pair.urlAt(address))
})
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-failover-'))
  count += 1
  database = `failover${count}`
  await cloneTemplate(pair.urlAt(address), database)
})
afterEach(async () => {
  for (const server of started.splice(0)) await server.end('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})
afterAll(() => pair.remove())

async function start(at: Forwarder): Promise<ServerProcess> {
  const server = await startServerProcess({
    dataDir: join(directory, `data${started.length}`),
    databaseUrl: pair.urlAt(at, database),
    env: { SIGNALBOX_CONFIG: configFile },
  })
  started.push(server)
  return server
}

describe('a planned switchover', () => {
  it('that ends connections leaves running tasks with their workers', async () => {
    const server = await start(address)
    const gate = join(directory, 'open')
    const noted = { type: 'test.noted', input: { gate, book: join(directory, 'book') } }
    const ids = await submitTasks(server, [noted, noted])
    const states = () =>
      pair.primary.query<{ status: string; attempt: number }>('SELECT status, attempt FROM task', database)
    await until(async () => (await states()).every(({ status }) => status === 'ACTIVE'))
    await pair.switchOver(() => address.switchTo(pair.standby?.port))
    writeFileSync(gate, '')
    await until(async () => (await states()).every(({ status }) => status !== 'ACTIVE'))
    expect(await states()).toEqual(ids.map(() => ({ status: 'COMPLETED', attempt: 1 })))
  }, 60_000)
})
