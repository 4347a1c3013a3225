import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

const secret = 'a secret of sixteen characters'
const configFile = join(import.meta.dirname, '../fixtures/stall/signalbox.config.ts')

let database: TestDatabase
let dataDir: string
const started: ServerProcess[] = []
beforeEach(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-watchdog-'))
})
afterEach(async () => {
  for (const server of started.splice(0)) await server.end('SIGKILL')
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

async function start(env: Record<string, string>): Promise<ServerProcess> {
  const server = await startServerProcess({
    dataDir,
    databaseUrl: database.url,
    env: { SIGNALBOX_CONFIG: configFile, STALL_SECRET: secret, ...env },
  })
  started.push(server)
  return server
}

/** Blocks the server's event loop; resolves when the request is answered, or can't be any more. */
function block(server: ServerProcess, ms: number): Promise<number | undefined> {
  const init = { method: 'POST', body: JSON.stringify({ ms }), headers: { 'x-secret': secret } }
  return fetch(`${server.url}/hooks/stall`, init).then(
    ({ status }) => status,
    () => undefined,
  )
}

/** Whether it answers within half a second. */
function isAnswering(server: ServerProcess): Promise<boolean> {
  return fetch(`${server.url}/livez`, { signal: AbortSignal.timeout(500) }).then(
    () => true,
    () => false,
  )
}

const forever = 3_600_000

describe('a server whose event loop stands still', () => {
  it('is killed, and its log says where it stood', async () => {
    const server = await start({ WATCHDOG_TIMEOUT_MS: '1000' })
    const exited = once(server.child, 'exit')
    expect(await block(server, forever)).toBeUndefined()
    expect(await exited).toEqual([null, 'SIGKILL'])
    const line =
      server
        .output()
        .split('\n')
        .find((text) => text.includes('stood still')) ?? ''
    expect(JSON.parse(line)).toEqual({
      level: 'fatal',
      time: expect.any(String),
      msg: 'the event loop has stood still for 1000 ms: the process is killed',
      stack: expect.arrayContaining([
        expect.stringMatching(/^blockFor \(file:.*stall\/signalbox\.config\.ts:\d+\)$/),
        expect.stringMatching(/ \(file:.*src\/domain\/hooks\/service\.ts:\d+\)$/),
      ]),
    })
    const next = await start({ WATCHDOG_TIMEOUT_MS: '1000' })
    expect(await block(next, 1)).toBe(202)
  }, 60_000)

  it('ends after a SIGTERM that it can’t hear', async () => {
    const server = await start({ WATCHDOG_TIMEOUT_MS: '2000' })
    const exited = once(server.child, 'exit')
    void block(server, forever)
    await until(async () => !(await isAnswering(server)))
    server.child.kill('SIGTERM')
    expect(await exited).toEqual([null, 'SIGKILL'])
  }, 60_000)

  it('goes on where the watchdog is off', async () => {
    const server = await start({ WATCHDOG_TIMEOUT_MS: '0' })
    expect(await block(server, 2_500)).toBe(202)
    expect(await server.end('SIGTERM')).toBe(0)
  }, 60_000)
})

describe('a server that was stopped', () => {
  it('goes on when it is continued, however long that took', async () => {
    const server = await start({ WATCHDOG_TIMEOUT_MS: '1000' })
    server.child.kill('SIGSTOP')
    await sleep(3_000)
    server.child.kill('SIGCONT')
    expect(await block(server, 1)).toBe(202)
    // The watchdog looks several times meanwhile, and finds nothing.
    for (let turn = 0; turn < 5; turn += 1) expect(await block(server, 300)).toBe(202)
    expect(await server.end('SIGTERM')).toBe(0)
  }, 60_000)
})
