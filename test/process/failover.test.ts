import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Forwarder } from '#test/support/failover/forwarder.ts'
import { createServerPair, type ServerPair } from '#test/support/failover/server-pair.ts'
import { submitTasks } from '#test/support/follower.ts'
import { metric } from '#test/support/metrics.ts'
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
}, 120_000)
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-failover-'))
  count += 1
  database = `failover${count}`
  address.switchTo(pair.primary.port)
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
    env: { SIGNALBOX_CONFIG: configFile, CRITICAL_SLOTS: '0' },
  })
  started.push(server)
  return server
}

/** Tasks that wait until their gate is opened, with one attempt each. */
function gated(count: number): object[] {
  const input = { gate: join(directory, 'open'), book: join(directory, 'book') }
  return Array.from({ length: count }, () => ({ type: 'test.noted', input }))
}

function openGate(): void {
  writeFileSync(join(directory, 'open'), '')
}

interface TaskState {
  readonly status: string
  readonly attempt: number
}

function tasks(): Promise<TaskState[]> {
  return pair.primary.query<TaskState>('SELECT status, attempt FROM task', database)
}

async function stateOf(id: string): Promise<TaskState | undefined> {
  return (await pair.primary.query<TaskState>(`SELECT status, attempt FROM task WHERE id = '${id}'`, database))[0]
}

/** Waits until all tasks run, and returns how many each worker has. */
async function allRun(count: number): Promise<number[]> {
  await until(async () => (await tasks()).filter(({ status }) => status === 'ACTIVE').length === count)
  const counts = `SELECT count(*)::int AS tasks FROM task WHERE status = 'ACTIVE' GROUP BY worker_id`
  return (await pair.primary.query<{ tasks: number }>(counts, database)).map((row) => row.tasks)
}

async function expectCompletedAtOnce(count: number): Promise<void> {
  openGate()
  await until(async () => (await tasks()).every(({ status }) => status !== 'ACTIVE'), 30_000)
  expect(await tasks()).toEqual(Array.from({ length: count }, () => ({ status: 'COMPLETED', attempt: 1 })))
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

async function ask(server: ServerProcess, path: string, body?: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' }
  const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  const response = await fetch(server.url + path, { headers, ...request })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

const write = { query: 'mutation { setEntry(input: { key: "k", value: 1 }) { __typename } }' }

async function canWrite(server: ServerProcess): Promise<boolean> {
  const { status, text } = await ask(server, '/graphql', write)
  return status === 200 && text.includes('Payload')
}

/** Lines of a server's log at this level or above that contain the text. */
function logged(server: ServerProcess, text: string): string[] {
  return server
    .output()
    .split('\n')
    .filter((line) => line.includes(text))
}

describe('a planned switchover', () => {
  it('that ends connections leaves running tasks with their workers', async () => {
    const server = await start(address)
    await submitTasks(server, gated(4))
    await allRun(4)
    await pair.switchOver(() => address.switchTo(pair.standby?.port))
    await until(() => canWrite(server))
    await expectCompletedAtOnce(4)
  }, 120_000)

  it('that leaves the connections of one server half-open takes no task from it, and holds nobody for long', async () => {
    const otherAddress = await pair.openAddress()
    const cutOff = await start(address)
    const other = await start(otherAddress)
    await submitTasks(cutOff, gated(16))
    expect(await allRun(16)).toEqual([8, 8])
    address.dropPackets()
    const held = ask(cutOff, '/graphql', write)
    await pair.switchOver(() => {
      address.switchTo(pair.standby?.port)
      otherAddress.switchTo(pair.standby?.port)
    })
    await until(() => canWrite(other))
    // Where the machine is slow, it may reach the new primary.
    expect((await held).text).toMatch(/"code":"UNAVAILABLE"|SetEntryPayload/)
    await until(() => canWrite(cutOff))
    // Long after the other one had seen its sign of life missing.
    await until(() => logged(cutOff, 'the database connection for notifications is back').length > 0)
    await expectCompletedAtOnce(16)
  }, 120_000)

  it('whose address leads to the standby for a while is answered UNAVAILABLE, and everything goes on after it', async () => {
    const server = await start(address)
    await submitTasks(server, gated(8))
    await allRun(8)
    await until(() => canWrite(server))

    address.switchTo(pair.standby?.port)
    address.endConnections()
    await until(async () => (await ask(server, '/readyz')).status === 503)
    for (let time = 0; time < 20; time += 1) {
      const refused = await ask(server, '/graphql', write)
      expect(refused).toMatchObject({ status: 503, text: expect.stringContaining('"code":"UNAVAILABLE"') })
      expect(refused.headers.get('retry-after')).toBe('1')
      const read = await ask(server, '/api/tasks')
      expect(read).toMatchObject({ status: 503, text: expect.stringContaining('"code":"UNAVAILABLE"') })
      expect(read.headers.get('retry-after')).toBe('1')
    }
    expect(logged(server, 'the database can only be read')).toHaveLength(1)

    await pair.switchOver()
    await until(() => canWrite(server), 10_000)
    await until(async () => (await ask(server, '/readyz')).status === 200)
    await expectCompletedAtOnce(8)
  }, 120_000)
})

describe('a failover that loses the last commits', () => {
  it('leaves no task with a worker that does not run it, and lets none run that another may have', async () => {
    const server = await start(address)
    const retry = { maxAttempts: 2, delayMs: 0 }
    const [survivor = '', ended = ''] = await submitTasks(server, [
      ...gated(1),
      { ...gated(1)[0], input: { gate: join(directory, 'early'), book: join(directory, 'early-book') }, retry },
    ])
    await allRun(2)
    await pair.catchUp()
    pair.cutReplication()
    // Of what happens now the new primary knows nothing: a task ends, and another one begins.
    writeFileSync(join(directory, 'early'), '')
    await until(async () => (await stateOf(ended))?.status === 'COMPLETED')
    const [unknown = ''] = await submitTasks(server, [
      { type: 'test.noted', input: { gate: join(directory, 'late'), book: join(directory, 'late-book') } },
    ])
    await until(async () => (await stateOf(unknown))?.status === 'ACTIVE')
    await pair.killPrimary()
    await pair.promote()
    address.switchTo(pair.primary.port)

    await until(async () => {
      const state = await stateOf(ended)
      return state?.status === 'COMPLETED' && state.attempt === 2
    }, 30_000)
    expect(await stateOf(unknown)).toBeUndefined()
    await until(async () => (await metric(server, 'signalbox_running_tasks')) === 1)
    expect(await stateOf(survivor)).toEqual({ status: 'ACTIVE', attempt: 1 })
    writeFileSync(join(directory, 'late'), '')
    openGate()
    await until(async () => (await stateOf(survivor))?.status === 'COMPLETED')
    expect(existsSync(join(directory, 'late-book'))).toBe(false)
    await pair.rejoin()
  }, 120_000)
})
