import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest'
import { Forwarder } from '#test/support/failover/forwarder.ts'
import { submitTask } from '#test/support/follower.ts'
import { metric } from '#test/support/metrics.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { runOnce } from '#test/support/template.ts'
import { until } from '#test/support/until.ts'

const configFile = join(import.meta.dirname, '../fixtures/process/signalbox.config.ts')

let database: TestDatabase
let directory: string
const started: ServerProcess[] = []
beforeEach(async () => {
  database = await createTestDatabase()
  directory = mkdtempSync(join(tmpdir(), 'signalbox-lease-'))
})
afterEach(async () => {
  for (const server of started.splice(0)) await server.end('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
  await database.drop()
})

async function start(env: Record<string, string> = {}, databaseUrl = database.url): Promise<ServerProcess> {
  const server = await startServerProcess({
    dataDir: join(directory, 'data'),
    databaseUrl,
    env: { SIGNALBOX_CONFIG: configFile, CRITICAL_SLOTS: '0', ...env },
  })
  started.push(server)
  return server
}

/** A task that waits until its gate is opened, and then adds a line to a book. */
function gated(gate: string, more: object = {}): object {
  return { type: 'test.noted', input: { gate: join(directory, gate), book: join(directory, 'book') }, ...more }
}

function openGate(name: string): void {
  writeFileSync(join(directory, name), '')
}

function bookLines(): number {
  const book = join(directory, 'book')
  return existsSync(book) ? readFileSync(book, 'utf8').trim().split('\n').length : 0
}

interface TaskState {
  readonly status: string
  readonly attempt: number
  readonly code: string | null
}

async function task(id: string): Promise<TaskState | undefined> {
  const sql = `SELECT status, attempt, error->>'code' AS code FROM task WHERE id = $1`
  return (await database.query<TaskState>(sql, [id]))[0]
}

function reaches(id: string, status: string, attempt: number): Promise<unknown> {
  return until(async () => {
    const now = await task(id)
    return now?.status === status && now.attempt === attempt
  }, 30_000)
}

/** The process that runs a task. */
async function runnerOf(id: string): Promise<ServerProcess> {
  await until(async () => (await task(id))?.status === 'ACTIVE')
  const sql = 'SELECT pid FROM worker JOIN task ON task.worker_id = worker.id WHERE task.id = $1'
  const [row] = await database.query<{ pid: number }>(sql, [id])
  const server = started.find(({ child }) => child.pid === row?.pid)
  if (server === undefined) throw new Error(`No process of this test has the number ${row?.pid}.`)
  return server
}

describe('a worker that stands still', () => {
  it('loses tasks whose lockMs is over to one that lives, which keeps its own, and stops them when it goes on', async () => {
    const servers = [await start({ WORKER_SLOTS: '1' }), await start({ WORKER_SLOTS: '1' })]
    const own = await submitTask(servers[0] as ServerProcess, gated('own', { lockMs: 1_000 }))
    const living = await runnerOf(own)
    const frozen = servers.find((server) => server !== living) as ServerProcess
    const retry = { maxAttempts: 2, delayMs: 0 }
    const taken = await submitTask(living, gated('taken', { lockMs: 1_000, retry }))
    expect(await runnerOf(taken)).toBe(frozen)

    frozen.child.kill('SIGSTOP')
    await reaches(taken, 'PENDING', 1)
    frozen.child.kill('SIGCONT')
    // It has a free place again, or the next attempt.
    await until(async () => (await runnerOf(taken)) === frozen)
    expect(await task(taken)).toMatchObject({ status: 'ACTIVE', attempt: 2 })
    openGate('taken')
    await reaches(taken, 'COMPLETED', 2)
    expect(bookLines()).toBe(1)
    expect(await task(own)).toMatchObject({ status: 'ACTIVE', attempt: 1 })
    openGate('own')
    await reaches(own, 'COMPLETED', 1)
  }, 120_000)

  it('loses tasks whose timeoutMs has been over for long, and can say nothing of them any more', async () => {
    const env = { WORKER_LEASE_MS: '1000' }
    const servers = [await start(env), await start(env)]
    const id = await submitTask(servers[0] as ServerProcess, gated('open', { timeoutMs: 2_000 }))
    const frozen = await runnerOf(id)
    frozen.child.kill('SIGSTOP')
    await reaches(id, 'FAILED', 1)
    expect(await task(id)).toMatchObject({ code: 'TIMEOUT' })
    openGate('open')
    frozen.child.kill('SIGCONT')
    await until(async () => (await metric(frozen, 'signalbox_running_tasks')) === 0)
    expect(await task(id)).toEqual({ status: 'FAILED', attempt: 1, code: 'TIMEOUT' })
    const [{ ends } = { ends: 0 }] = await database.query<{ ends: number }>(
      `SELECT count(*)::int AS ends FROM journal WHERE subject = 'task:' || $1 AND type IN ('task.failed', 'task.completed')`,
      [id],
    )
    expect(ends).toBe(1)
  }, 120_000)
})

describe('a worker that alone loses the database', () => {
  it('keeps its tasks until its lease is over', async () => {
    const url = new URL(database.url)
    const address = await Forwarder.open(Number(url.port))
    onTestFinished(() => address.close())
    url.port = String(address.port)
    const env = { WORKER_SLOTS: '1', WORKER_LEASE_MS: '6000' }
    const cut = await start(env, url.href)
    const other = await start(env)
    const retry = { maxAttempts: 2, delayMs: 0 }
    const ids = [await submitTask(other, gated('open', { retry })), await submitTask(other, gated('open', { retry }))]
    for (const id of ids) await reaches(id, 'ACTIVE', 1)
    const lost = ids[(await runnerOf(ids[0] as string)) === cut ? 0 : 1] as string
    expect(await runnerOf(lost)).toBe(cut)

    const [{ cutAt } = { cutAt: '' }] = await database.query<{ cutAt: string }>('SELECT now()::text AS "cutAt"')
    address.switchTo(undefined)
    address.endConnections()
    await reaches(lost, 'PENDING', 1)
    expect(cut.output()).toContain('this process has been without the database for too long')
    const sql = `
      SELECT error->>'code' AS code, finished_at - $2::timestamptz >= interval '6 seconds' AS "wasKept"
      FROM task_attempt WHERE task_id = $1`
    expect(await database.query(sql, [lost, cutAt])).toEqual([{ code: 'WORKER_LOST', wasKept: true }])
    openGate('open')
    for (const id of ids) await until(async () => (await task(id))?.status === 'COMPLETED', 30_000)
    expect(bookLines()).toBe(2)
  }, 120_000)
})

/** Of a server whose session is to be kept away: a pool that needs no further connection meanwhile. */
const smallPool = { DATABASE_POOL: '2' }

/** Ends a server's session, and keeps it away until the returned function is called. */
async function keepSessionAway(server: ServerProcess): Promise<() => Promise<void>> {
  const isFull = async () => (await connections(server)) === 2
  await until(isFull)
  const name = new URL(database.url).pathname.slice(1)
  const admin = inject('clusterUrl')
  await runOnce(admin, `ALTER DATABASE ${name} CONNECTION LIMIT 1`)
  await runOnce(
    admin,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'signalbox session' AND datname = '${name}'`,
  )
  return () => runOnce(admin, `ALTER DATABASE ${name} CONNECTION LIMIT -1`)
}

/** How many connections the server's pool has. Asks the database several things at once, which opens them. */
function connections(server: ServerProcess): Promise<number> {
  return metric(server, 'signalbox_database_connections{state="total"}')
}

async function isLostFor(server: ServerProcess, seconds: number): Promise<void> {
  await until(async () => (await metric(server, 'signalbox_database_lost_seconds')) > seconds, 30_000)
}

describe('a worker without its session', () => {
  it('keeps what it runs, takes nothing new, and goes on when the session is back', async () => {
    const server = await start(smallPool)
    const running = await submitTask(server, gated('open'))
    await reaches(running, 'ACTIVE', 1)
    const bringBack = await keepSessionAway(server)
    await until(async () => (await metric(server, 'signalbox_database_lost_seconds')) > 0)
    const waiting = await submitTask(server, gated('open'))
    // Longer than a worker may be without its sign of life.
    await isLostFor(server, 5)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
    await bringBack()
    expect(await task(running)).toMatchObject({ status: 'ACTIVE', attempt: 1 })
    await reaches(waiting, 'ACTIVE', 1)
    openGate('open')
    await reaches(running, 'COMPLETED', 1)
    await reaches(waiting, 'COMPLETED', 1)
    const sql = `SELECT started_at - created_at > interval '3 seconds' AS waited FROM task WHERE id = $1`
    expect(await database.query(sql, [waiting])).toEqual([{ waited: true }])
  }, 120_000)

  it('for longer than its lease stops what it runs, and says so', async () => {
    const server = await start({ ...smallPool, WORKER_LEASE_MS: '1000' })
    const retry = { maxAttempts: 2, delayMs: 0 }
    const id = await submitTask(server, gated('open', { retry }))
    await reaches(id, 'ACTIVE', 1)
    const bringBack = await keepSessionAway(server)
    await isLostFor(server, 1)
    await until(async () => (await metric(server, 'signalbox_running_tasks')) === 0)
    expect(server.output()).toContain('this process has been without the database for too long')
    await bringBack()
    await reaches(id, 'ACTIVE', 2)
    openGate('open')
    await reaches(id, 'COMPLETED', 2)
    expect(bookLines()).toBe(1)
    const sql = `SELECT error->>'code' AS code FROM task_attempt WHERE task_id = $1`
    expect(await database.query(sql, [id])).toEqual([{ code: 'WORKER_LOST' }])
  }, 120_000)
})
