import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { processesWith } from '#test/support/attempts.ts'
import { Follower, submitTask, submitTasks, taskFeed } from '#test/support/follower.ts'
import { metric } from '#test/support/metrics.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { openSocket } from '#test/support/websocket.ts'

const configFile = join(import.meta.dirname, '../fixtures/process/signalbox.config.ts')

let database: TestDatabase
let directory: string
const started: ServerProcess[] = []
const followers: Follower[] = []
beforeEach(async () => {
  database = await createTestDatabase()
  directory = mkdtempSync(join(tmpdir(), 'signalbox-roles-'))
})
afterEach(async () => {
  for (const follower of followers.splice(0)) await follower.close()
  for (const server of started.splice(0)) await server.end('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
  await database.drop()
})

/** One of several processes of an installation: they share the database and the data directory. */
async function start(roles: string): Promise<ServerProcess> {
  const env = { ROLES: roles, SIGNALBOX_CONFIG: configFile, CRITICAL_SLOTS: '0' }
  const server = await startServerProcess({ dataDir: join(directory, 'data'), databaseUrl: database.url, env })
  started.push(server)
  return server
}

async function follow(server: ServerProcess): Promise<Follower> {
  const follower = await Follower.open(server, taskFeed)
  followers.push(follower)
  return follower
}

function staged(more: object = {}): object {
  return { type: 'test.staged', input: { gates: directory }, ...more }
}

function openGate(name: string | number): void {
  writeFileSync(join(directory, String(name)), '')
}

/** The process that runs a task. */
async function runnerOf(taskId: string): Promise<ServerProcess> {
  const sql = 'SELECT pid FROM worker JOIN task ON task.worker_id = worker.id WHERE task.id = $1'
  const pid = await until(async () => (await database.query<{ pid: number }>(sql, [taskId]))[0]?.pid)
  const server = started.find(({ child }) => child.pid === pid)
  if (server === undefined) throw new Error(`No process of this test has the number ${pid}.`)
  return server
}

describe('a process for the API and one for the work', () => {
  it('do together what one does alone, and who follows at the API misses nothing', async () => {
    const api = await start('api')
    const worker = await start('worker')
    const follower = await follow(api)
    const id = await submitTask(api, staged())
    for (const stage of [1, 2, 3]) {
      await follower.find(({ kind, progress }) => kind === 'PROGRESS' && progress === stage * 25)
      if (stage === 1) expect(await runnerOf(id)).toBe(worker)
      openGate(stage)
    }
    await follower.find(({ status }) => status === 'COMPLETED')
    expect(follower.history.map(({ kind, status, step, log }) => `${kind} ${log?.message ?? step ?? status}`)).toEqual([
      'STATUS PENDING',
      'STATUS ACTIVE',
      ...[1, 2, 3].flatMap((stage) => [`STEP stage ${stage}`, `LOG at stage ${stage}`]),
      'STATUS COMPLETED',
    ])
    const percents = follower.updates.flatMap(({ kind, progress }) => (kind === 'PROGRESS' ? [progress] : []))
    expect(percents).toEqual([25, 50, 75])
  }, 60_000)

  it('divide the work: a worker answers only for its health and its metrics', async () => {
    const worker = await start('worker')
    const headers = { authorization: `Bearer ${worker.token}`, 'content-type': 'application/json' }
    const ask = async (path: string, body?: object) => {
      const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
      return (await fetch(worker.url + path, { headers, ...request })).status
    }
    for (const path of ['/health', '/livez', '/readyz', '/metrics', '/api', '/api/ping'])
      expect(await ask(path)).toBe(200)
    for (const path of ['/graphql', '/api/tasks', '/sfp/api/tasks', '/api/docs', '/docs', '/docs/tasks'])
      expect(await ask(path)).toBe(404)
    expect(await ask('/graphql', { query: '{ viewer { role } }' })).toBe(404)
    expect(await ask('/api/tasks', { type: 'probe' })).toBe(404)
    await expect(openSocket(worker)).rejects.toThrow()
  }, 60_000)
})

describe('two processes that do both', () => {
  it('run each of 200 tasks once, and tell followers at either of each update once, in the same order', async () => {
    const servers = [await start('api,worker'), await start('api,worker')]
    await Promise.all(servers.map(follow))
    const book = join(directory, 'book')
    const tasks = Array.from({ length: 20 }, () => ({
      type: 'test.noted',
      input: { gate: join(directory, 'open'), book },
    }))
    const ids: string[] = []
    for (let round = 0; round < 10; round += 1)
      ids.push(...(await submitTasks(servers[round % 2] as ServerProcess, tasks)))
    // All slots of both are taken before the first task ends.
    await until(async () => {
      const running = await Promise.all(servers.map((server) => metric(server, 'signalbox_running_tasks')))
      return running.every((count) => count === 8)
    })
    openGate('open')
    for (const follower of followers)
      await until(() => follower.history.filter(({ status }) => status === 'COMPLETED').length === 200, 30_000)

    expect(readFileSync(book, 'utf8').trim().split('\n').toSorted()).toEqual(ids.toSorted())
    const [first, second] = followers.map(({ history }) => history)
    expect(second).toEqual(first)
    expect(new Set(first?.map(({ cursor }) => cursor)).size).toBe(600)
    const told = Map.groupBy(first ?? [], ({ taskId }) => taskId)
    expect([...told.keys()].toSorted()).toEqual(ids.toSorted())
    for (const life of told.values())
      expect(life.map(({ status, attempt }) => `${status} ${attempt}`)).toEqual([
        'PENDING 0',
        'ACTIVE 1',
        'COMPLETED 1',
      ])
  }, 60_000)

  it('stand in for each other: the task of one that is killed is done by the other', async () => {
    const servers = [await start('api,worker'), await start('api,worker')]
    const following = await Promise.all(servers.map(follow))
    const id = await submitTask(servers[0] as ServerProcess, staged({ retry: { maxAttempts: 2, delayMs: 0 } }))
    const killed = await runnerOf(id)
    const follower = following[servers[0] === killed ? 1 : 0] as Follower
    await follower.find(({ progress }) => progress === 25)
    await killed.end('SIGKILL')
    await follower.find(({ attempt, progress }) => attempt === 2 && progress === 25)
    expect(await runnerOf(id)).not.toBe(killed)
    for (const stage of [1, 2, 3]) openGate(stage)
    await follower.find(({ status }) => status === 'COMPLETED')
    const statuses = follower.history.filter(({ kind }) => kind === 'STATUS')
    expect(statuses.map(({ status, attempt }) => `${status} ${attempt}`)).toEqual([
      'PENDING 0',
      'ACTIVE 1',
      // That it is lost, and then what follows from it.
      'ACTIVE 1',
      'PENDING 1',
      'ACTIVE 2',
      'COMPLETED 2',
    ])
    await until(() => processesWith(id).length === 0)
  }, 60_000)
})
