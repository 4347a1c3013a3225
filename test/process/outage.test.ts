import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { processesWith } from '#test/support/attempts.ts'
import { type Cluster, createCluster } from '#test/support/cluster.ts'
import { Follower, submitTask, submitTasks, taskFeed, type Update } from '#test/support/follower.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { cloneTemplate, createTemplate } from '#test/support/template.ts'
import { until } from '#test/support/until.ts'

const configFile = join(import.meta.dirname, '../fixtures/process/signalbox.config.ts')

let cluster: Cluster
let directory: string
let url: string
let count = 0
const started: ServerProcess[] = []
beforeAll(async () => {
  cluster = await createCluster()
  await cluster.start()
  await createTemplate(cluster.url)
})
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-outage-'))
  count += 1
  url = await cloneTemplate(cluster.url, `outage${count}`)
})
afterEach(async () => {
  for (const server of started.splice(0)) await server.end('SIGKILL')
  await cluster.start()
  rmSync(directory, { recursive: true, force: true })
})
afterAll(() => cluster.remove())

async function query(at: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: at })
  await client.connect()
  const { rows } = await client.query(statement)
  await client.end()
  return rows
}

async function start(env: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServerProcess({
    dataDir: join(directory, 'data'),
    databaseUrl: url,
    env: { SIGNALBOX_CONFIG: configFile, ...env },
  })
  started.push(server)
  return server
}

/** A task in a process of its own, which waits at three gates. */
function staged(more: object = {}): object {
  return { type: 'test.staged', input: { gates: directory }, ...more }
}

/** A task in the server's process, which waits at one gate, and leaves a line in the book. */
function noted(): object {
  return { type: 'test.noted', input: { gate: gate('open'), book: join(directory, 'book') } }
}

function gate(name: string | number): string {
  return join(directory, String(name))
}

function openGates(...names: (string | number)[]): void {
  for (const name of names) writeFileSync(gate(name), '')
}

async function ask(server: ServerProcess, path: string, body?: object) {
  const headers = { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' }
  const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  const response = await fetch(server.url + path, { headers, ...request })
  return { status: response.status, text: await response.text() }
}

const list = { query: '{ tasks(first: 1) { nodes { id } } }' }
const submitProbe = { query: 'mutation { submitTask(input: { type: "probe" }) { __typename } }' }

/** What a task went through, in words. */
function lifeOf(taskId: string, updates: readonly Update[]): string[] {
  const own = updates.filter((update) => update.taskId === taskId && update.kind === 'STATUS')
  return own.map(({ status, attempt }) => `${status} ${attempt}`)
}

describe('a database that dies and comes back', () => {
  it('is missed by callers as long as it is away; what ran meanwhile ends once, and followers miss nothing', async () => {
    const server = await start()
    const follower = await Follower.open(server, taskFeed)
    const [first = '', ...others] = await submitTasks(server, [staged(), noted(), noted(), noted()])
    await follower.find(({ progress }) => progress === 25)
    await until(
      () => follower.history.filter(({ status, kind }) => kind === 'STATUS' && status === 'ACTIVE').length === 4,
    )

    await cluster.kill()
    for (const [path, body] of [['/graphql', list], ['/graphql', submitProbe], ['/api/tasks']] as const) {
      const { status, text } = await ask(server, path, body)
      expect(status).toBe(503)
      expect(text).toContain('"code":"UNAVAILABLE"')
    }
    expect(await ask(server, '/health')).toMatchObject({ status: 503, text: expect.stringContaining('"unhealthy"') })
    expect(await ask(server, '/readyz')).toMatchObject({ status: 503 })
    expect(await ask(server, '/livez')).toMatchObject({ status: 200 })
    openGates('open', 1, 2, 3)
    await until(() => processesWith(first).length === 0)
    expect(readFileSync(join(directory, 'book'), 'utf8').trim().split('\n').toSorted()).toEqual(others.toSorted())

    await cluster.start()
    await until(async () => (await ask(server, '/readyz')).status === 200)
    for (const id of [first, ...others]) {
      await follower.find(({ taskId, status }) => taskId === id && status === 'COMPLETED')
      expect(lifeOf(id, follower.updates)).toEqual(['PENDING 0', 'ACTIVE 1', 'COMPLETED 1'])
    }
    const output = follower.history.filter(({ kind }) => kind === 'STEP' || kind === 'LOG')
    expect(output.map(({ step, log }) => step ?? log?.message)).toEqual(
      [1, 2, 3].flatMap((stage) => [`stage ${stage}`, `at stage ${stage}`]),
    )
    expect(readFileSync(join(directory, 'book'), 'utf8').trim().split('\n')).toHaveLength(3)
    const later = await submitTask(server, { type: 'probe' })
    await follower.find(({ taskId, status }) => taskId === later && status === 'COMPLETED')
    await follower.close()
    expect(await server.end('SIGTERM')).toBe(0)
  }, 60_000)
})

describe('SIGTERM', () => {
  it.each(['dies', 'stands still'])(
    'ends a server whose database %s: its tasks are stopped, and tried again by the next one',
    async (how) => {
      const first = await start({ SHUTDOWN_TIMEOUT_MS: '200' })
      const follower = await Follower.open(first, taskFeed)
      const [id = '', ended = ''] = await submitTasks(first, [
        staged({ retry: { maxAttempts: 2, delayMs: 0 } }),
        { ...noted(), retry: { maxAttempts: 2, delayMs: 0 } },
      ])
      await follower.find(({ taskId, status }) => taskId === ended && status === 'ACTIVE')
      await follower.find(({ progress }) => progress === 25)
      await follower.close()
      if (how === 'dies') await cluster.kill()
      else cluster.freeze()
      openGates('open')
      await until(() => existsSync(join(directory, 'book')))

      first.child.kill('SIGTERM')
      await until(() => first.child.exitCode !== null || first.child.signalCode !== null, 40_000)
      expect(first.child.exitCode).toBe(0)
      expect(first.output()).toContain('"attempts":2,"msg":"the ends of attempts could not be written to the database')
      expect(first.output()).toContain('"msg":"stopped"')
      expect(processesWith(id)).toEqual([])

      if (how === 'dies') await cluster.start()
      else cluster.thaw()
      await start()
      openGates(1, 2, 3)
      const unfinished = `SELECT 1 FROM task WHERE status <> 'COMPLETED'`
      await until(async () => (await query(url, unfinished)).length === 0)
      expect(await query(url, 'SELECT attempt FROM task')).toEqual([{ attempt: 2 }, { attempt: 2 }])
    },
    90_000,
  )

  it('takes tasks that are just being claimed for its own, and hands them back', async () => {
    const server = await start({ SHUTDOWN_TIMEOUT_MS: '0' })
    await submitTask(server, { ...noted(), runAt: '2099-01-01T00:00:00Z' })
    const holder = new pg.Client({ connectionString: url })
    holder.on('error', () => {})
    await holder.connect()
    // Due all of a sudden, its job is found at the next look; its row can't be had.
    await holder.query('BEGIN')
    await holder.query('SELECT 1 FROM task FOR UPDATE')
    await query(url, 'UPDATE pgboss.job SET start_after = now()')
    const claiming = `SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND query LIKE '%ACTIVE%'`
    await until(async () => (await holder.query(claiming)).rows.length > 0)
    server.child.kill('SIGTERM')
    await until(() => server.output().includes('stopping'))
    await holder.query('ROLLBACK')
    await until(() => server.child.exitCode !== null)
    expect((await holder.query('SELECT status, attempt FROM task')).rows).toEqual([{ status: 'PENDING', attempt: 0 }])
    await holder.end()
  }, 60_000)
})
