import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, type SignalboxClient, type WorkContext, WorkFailure, work } from '#client/index.ts'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { newType } from '#test/support/remote-worker.ts'
import { createTestDatabase, startTestServer, type TestDatabase, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

const program = fileURLToPath(new URL('../fixtures/work/worker.ts', import.meta.url))

let database: TestDatabase
let server: TestServer
let client: SignalboxClient
beforeAll(async () => {
  database = await createTestDatabase()
  server = await startTestServer({ database, env: { LOG_LEVEL: 'silent' } })
  client = createClient(server)
})
afterAll(async () => {
  await client.close()
  await server.close()
  await database.drop()
})

interface Task {
  readonly status: string
  readonly result: unknown
  readonly progress: number
  readonly error: { code: string; message: string; retryable: boolean } | null
  readonly logs: { nodes: { message: string }[] }
  readonly parts: { name: string; contentType: string; text: string }[]
}

async function find(id: string): Promise<Task> {
  const query = `query ($id: ID!) {
    task(id: $id) { status result progress error { code message retryable } logs { nodes { message } } parts { name contentType text } }
  }`
  return (await graphqlData<{ task: Task }>(server, query, { id })).task
}

const reach = (id: string, status: string) =>
  until(async () => {
    const task = await find(id)
    return task.status === status && task
  })

type Context = WorkContext<{ mode: string }>

/** Runs a worker until the test has ended. */
async function working(
  run: (context: Context) => unknown,
  test: (type: string) => Promise<void>,
  more: object = {},
): Promise<void> {
  const type = newType('client.work')
  const ended = new AbortController()
  const options = { signal: ended.signal, drainsOnSignals: false, drainMs: 100, ...more }
  const done = work(client, { types: { [type]: { inputSchema: true, run } }, ...options })
  await until(async () => (await types()).includes(type))
  await test(type).finally(() => ended.abort())
  await done
}

const types = async () =>
  (await graphqlData<{ taskTypes: { name: string }[] }>(server, '{ taskTypes { name } }')).taskTypes.map(
    ({ name }) => name,
  )

const untilStopped = (signal: AbortSignal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

describe('work', () => {
  it('registers a type, and runs its tasks with their output', async () => {
    await working(
      async ({ input, log, progress, part }) => {
        log('one\ntwo')
        progress(40, 'counting')
        await part('facts', { mode: input.mode })
        await part('text', 'plain')
        return { mode: input.mode }
      },
      async (type) => {
        const task = await reach(await submitTask(server, { type, input: { mode: 'fast' } }), 'COMPLETED')
        expect(task).toMatchObject({ result: { mode: 'fast' }, error: null })
        expect(task.logs.nodes.map(({ message }) => message)).toEqual(['one', 'two'])
        expect(task.parts).toEqual([
          { name: 'facts', contentType: 'application/json', text: '{"mode":"fast"}' },
          { name: 'text', contentType: 'text/plain; charset=utf-8', text: 'plain' },
        ])
      },
    )
  })

  it('fails tasks as their handlers say', async () => {
    await working(
      ({ input }) => {
        if (input.mode === 'plain') throw new Error('It broke.')
        if (input.mode === 'large') return 'x'.repeat(300_000)
        throw new WorkFailure('It never works.', { code: 'NEVER', retryable: false })
      },
      async (type) => {
        const modes = ['plain', 'meant', 'large']
        const ids = await Promise.all(modes.map((mode) => submitTask(server, { type, input: { mode } })))
        const tasks = await Promise.all(ids.map((id) => reach(id, 'FAILED')))
        expect(tasks.map(({ error }) => error)).toEqual([
          { code: 'HANDLER_FAILED', message: 'It broke.', retryable: true },
          { code: 'NEVER', message: 'It never works.', retryable: false },
          { code: 'INVALID_RESULT', message: expect.stringContaining('may take 262144'), retryable: false },
        ])
      },
      { slots: 3 },
    )
  })

  it('stops a task that is cancelled', async () => {
    const reasons: unknown[] = []
    await working(
      async ({ signal }) => {
        await untilStopped(signal).catch((reason: unknown) => {
          reasons.push(reason)
          throw reason
        })
      },
      async (type) => {
        const id = await submitTask(server, { type })
        await reach(id, 'ACTIVE')
        await graphqlData(server, 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id })
        await reach(id, 'CANCELLED')
      },
    )
    expect(reasons).toEqual(['cancelled'])
  })

  it('goes on when the server was restarted', async () => {
    const lost: string[] = []
    await working(
      ({ input }) => input.mode,
      async (type) => {
        await reach(await submitTask(server, { type, input: { mode: 'before' } }), 'COMPLETED')
        const port = new URL(server.url).port
        await server.close()
        await until(() => lost.length > 0)
        server = await startTestServer({ database, env: { LOG_LEVEL: 'silent', PORT: port } })
        await reach(await submitTask(server, { type, input: { mode: 'after' } }), 'COMPLETED')
      },
      { onReconnect: ({ reason }: { reason: string }) => lost.push(reason) },
    )
  })

  it('drains on SIGTERM: what does not end in time waits for another worker', async () => {
    const type = newType('client.process')
    const child = spawn(process.execPath, [program, server.url, server.token, type], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const output: string[] = []
    child.stdout.on('data', (data) => output.push(String(data)))
    await until(async () => (await types()).includes(type))
    const id = await submitTask(server, { type })
    await until(async () => (await find(id)).logs.nodes.length > 0)
    child.kill('SIGTERM')
    await once(child, 'exit')
    expect(output.join('')).toBe('drained\n')
    expect(child.exitCode).toBe(0)
    expect(await find(id)).toMatchObject({ status: 'PENDING', error: null })
  })
})
