import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'graphql-ws'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { graphqlData } from '#test/support/graphql.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

let database: TestDatabase
let dataDir: string
const started: ServerProcess[] = []
beforeEach(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-crash-'))
})
afterEach(async () => {
  for (const server of started.splice(0)) await server.end('SIGKILL')
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

async function start(env: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServerProcess({ dataDir, databaseUrl: database.url, env })
  started.push(server)
  return server
}

interface FeedUpdate {
  readonly cursor: string
  readonly kind: string
  readonly taskId: string
  readonly status: string
  readonly attempt: number
}

/** A subscriber to all task updates that resumes after its last cursor at another server. */
class Follower {
  readonly updates: FeedUpdate[] = []
  #client: { dispose(): void | Promise<void> } | undefined

  async follow(server: ServerProcess): Promise<void> {
    const client = createClient({
      url: `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { token: server.token },
      retryAttempts: 0,
    })
    this.#client = client
    const connected = new Promise<void>((resolve) => {
      client.on('connected', () => resolve())
    })
    const after = this.updates.at(-1)?.cursor ?? null
    void this.#read(client.iterate({ query: feedQuery, variables: { after } }))
    await connected
  }

  async #read(stream: AsyncIterable<{ data?: unknown }>): Promise<void> {
    try {
      for await (const { data } of stream) {
        const update = (data as { taskFeed: FeedUpdate }).taskFeed
        if (update.kind !== 'PROGRESS') this.updates.push(update)
      }
    } catch {
      // The server was killed: the next one is asked from the last cursor on.
    }
  }

  async close(): Promise<void> {
    await this.#client?.dispose()
  }
}

const feedQuery = 'subscription($after: String) { taskFeed(after: $after) { cursor kind taskId status attempt } }'
const submitMany =
  'mutation($input: SubmitTasksInput!) { submitTasks(input: $input) { ... on SubmitTasksPayload { tasks { id } } ... on Failure { code message } } }'

async function submit(server: ServerProcess, tasks: object[]): Promise<string[]> {
  const data = await graphqlData<{ submitTasks: { tasks: { id: string }[] } }>(server, submitMany, { input: { tasks } })
  return data.submitTasks.tasks.map((task) => task.id)
}

async function countByStatus(): Promise<Record<string, number>> {
  const rows = await database.query<{ status: string; count: number }>(
    'SELECT status, count(*)::int AS count FROM task GROUP BY status',
  )
  return Object.fromEntries(rows.map((row) => [row.status, row.count]))
}

describe('kill -9 of a server while 200 tasks wait and 8 run', () => {
  it('ends each task exactly once after the restart, and tells subscribers everything once', async () => {
    const first = await start({ CRITICAL_SLOTS: '0' })
    const follower = new Follower()
    await follower.follow(first)
    const retry = { maxAttempts: 3, delayMs: 50, backoff: 'FIXED' }
    const long = await submit(first, [
      ...Array.from({ length: 4 }, () => ({ type: 'probe', input: { durationMs: 60_000 }, retry, timeoutMs: 1_000 })),
      ...Array.from({ length: 4 }, () => ({ type: 'probe', input: { durationMs: 60_000 }, timeoutMs: 3_000 })),
    ])
    await until(async () => (await countByStatus())['ACTIVE'] === 8)
    const short = await submit(
      first,
      Array.from({ length: 200 }, () => ({ type: 'probe', input: { durationMs: 1, steps: 1 }, retry })),
    )
    await until(async () => (await countByStatus())['PENDING'] === 200)
    await first.end('SIGKILL')

    const second = await start({ CRITICAL_SLOTS: '0' })
    await follower.follow(second)
    await until(async () => {
      const { COMPLETED = 0, FAILED = 0 } = await countByStatus()
      return COMPLETED + FAILED === 208
    }, 60_000)
    expect(await countByStatus()).toEqual({ COMPLETED: 200, FAILED: 8 })

    const rows = await database.query<{ id: string; code: string; attempt: number }>(
      `SELECT id, error->>'code' AS code, attempt FROM task WHERE status = 'FAILED'`,
    )
    // A probe may run again, so its lost attempt does not count: each was tried as often as its policy says beside that.
    const reasons = new Map(rows.map((row) => [row.id, `${row.code} after ${row.attempt}`]))
    expect(long.map((id) => reasons.get(id))).toEqual([
      ...Array(4).fill('TIMEOUT after 4'),
      ...Array(4).fill('TIMEOUT after 2'),
    ])

    const isEnd = (update: FeedUpdate) => update.kind === 'STATUS' && ['COMPLETED', 'FAILED'].includes(update.status)
    await until(() => follower.updates.filter(isEnd).length >= 208)
    await follower.close()
    const ends = follower.updates.filter(isEnd).map((update) => update.taskId)
    expect(new Set(ends)).toEqual(new Set([...long, ...short]))
    expect(ends).toHaveLength(208)
    const cursors = follower.updates.map((update) => update.cursor)
    expect(new Set(cursors).size).toBe(cursors.length)
    const [{ count } = { count: 0 }] = await database.query<{ count: number }>(
      "SELECT count(*)::int AS count FROM journal WHERE type LIKE 'task.%'",
    )
    expect(cursors).toHaveLength(count)
  }, 120_000)

  it('leaves no job in the queue once all tasks have ended', async () => {
    const server = await start()
    await submit(
      server,
      Array.from({ length: 20 }, () => ({ type: 'probe' })),
    )
    await until(async () => (await countByStatus())['COMPLETED'] === 20)
    const [{ jobs } = { jobs: -1 }] = await database.query<{ jobs: number }>(
      'SELECT count(*)::int AS jobs FROM pgboss.job',
    )
    expect(jobs).toBe(0)
  })
})

describe('SIGTERM', () => {
  it('lets short work end, and hands the rest back for the next start', async () => {
    const first = await start({ SHUTDOWN_TIMEOUT_MS: '1000' })
    const [short, long] = await submit(first, [
      { type: 'probe', input: { durationMs: 500 } },
      { type: 'probe', input: { durationMs: 5_000 } },
    ])
    await until(async () => (await countByStatus())['ACTIVE'] === 2)
    expect(await first.end('SIGTERM')).toBe(0)
    const rows = await database.query<{ id: string; status: string; attempt: number }>(
      'SELECT id, status, attempt FROM task',
    )
    const of = (id: string | undefined) => rows.find((row) => row.id === id)
    expect(of(short)).toMatchObject({ status: 'COMPLETED', attempt: 1 })
    expect(of(long)).toMatchObject({ status: 'PENDING', attempt: 0 })
    const workspaces = await readdir(join(dataDir, 'workspaces'), { recursive: true }).catch(() => [])
    expect(workspaces.filter((name) => name.includes(long ?? ''))).toEqual([])

    const second = await start()
    await until(async () => (await countByStatus())['COMPLETED'] === 2)
    expect(await second.end('SIGTERM')).toBe(0)
  }, 60_000)
})
