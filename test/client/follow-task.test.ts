import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createClient,
  followTask,
  payloadOf,
  type Reconnection,
  SubmitTaskDocument,
  type TaskUpdate,
} from '#client/index.ts'
import type { FollowOptions } from '#client/resume.ts'
import { freePort } from '#platform/system/free-port.ts'
import { type ServerProcess, spawnServer, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'

let database: TestDatabase
let dataDir: string
const started: ServerProcess[] = []
beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-follow-'))
})
afterAll(async () => {
  for (const server of started) await server.end('SIGKILL')
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

async function startServer(env: Record<string, string>): Promise<ServerProcess> {
  const server = await startServerProcess({ dataDir, databaseUrl: database.url, env })
  started.push(server)
  return server
}

async function submit(url: string, token: string, input: object): Promise<string> {
  const client = createClient({ url, token })
  const { submitTask } = await client.request(SubmitTaskDocument, { input: { type: 'probe', input } })
  return payloadOf(submitTask).task.id
}

describe('the first connection', () => {
  it('that is refused is an error that names the cause, unless the server is to be waited for', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const client = createClient({ url, token: 'none' })
    const first = (options: FollowOptions) => followTask(client, 'none', options).next()
    await expect(first({})).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: `The server at ${url}/graphql can't be reached: nothing listens there.`,
    })
    const tries: number[] = []
    const stop = new AbortController()
    const onReconnect = ({ attempt }: Reconnection) => {
      tries.push(attempt)
      if (attempt === 3) stop.abort(new Error('enough'))
    }
    await expect(first({ waitForServer: true, onReconnect, signal: stop.signal })).rejects.toThrow('enough')
    expect(tries).toEqual([1, 2, 3])
    await client.close()
  })

  it('to something other than Signalbox says so, and what may be wrong with the address', async () => {
    const other = createServer((_req, res) => res.writeHead(404).end('none')).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    try {
      for (const [path, hint] of [
        ['', ''],
        ['/api', ' If it is one, leave out the path before /graphql.'],
      ]) {
        const client = createClient({ url: `${url}${path}`, token: 'none' })
        const message = `${url}${path}/graphql answered with HTTP 404, but not as a Signalbox server does.${hint}`
        await expect(followTask(client, 'none').next()).rejects.toMatchObject({ code: 'UNREACHABLE', message })
        await client.close()
      }
    } finally {
      other.close()
    }
  })
})

describe('followTask', () => {
  it('tells every update once while the server that it follows through is killed and started again', async () => {
    const worker = await startServer({})
    let api = await startServer({ ROLES: 'api' })
    const port = new URL(api.url).port
    const client = createClient(api)
    const reasons: Reconnection['reason'][] = []
    const updates: TaskUpdate[] = []
    try {
      const id = await submit(worker.url, worker.token, { durationMs: 6_000, steps: 30 })
      const onReconnect = ({ reason }: Reconnection) => void reasons.push(reason)
      let restart: Promise<void> | undefined
      for await (const update of followTask(client, id, { onReconnect })) {
        updates.push(update)
        if (update.kind !== 'STEP' || restart !== undefined) continue
        restart = (async () => {
          await api.end('SIGKILL')
          api = await spawnServer({ dataDir, databaseUrl: database.url, env: { ROLES: 'api', PORT: port } })
          started.push(api)
        })()
      }
      await restart
    } finally {
      await client.close()
      await api.end('SIGTERM')
      await worker.end('SIGTERM')
    }
    expect(reasons).toContain('lost')
    const steps = updates.filter(({ kind }) => kind === 'STEP').map(({ step }) => step ?? '')
    const [first = ''] = steps
    const begun = Number(/\d+/.exec(first)?.[0])
    expect(steps).toEqual(Array.from({ length: 31 - begun }, (_, index) => `step ${begun + index} of 30`))
    expect(updates.at(-1)).toMatchObject({ kind: 'STATUS', status: 'COMPLETED' })
  }, 60_000)

  it('starts from the current state when the journal no longer reaches back to its cursor', async () => {
    const server = await startServer({})
    const client = createClient(server)
    const reasons: Reconnection['reason'][] = []
    try {
      const id = await submit(server.url, server.token, {})
      const all = await Array.fromAsync(followTask(client, id))
      await database.query('UPDATE journal_pruned SET xid = journal_horizon()')
      const options = { after: all[0]?.cursor, onReconnect: ({ reason }: Reconnection) => reasons.push(reason) }
      const again = await Array.fromAsync(followTask(client, id, options))
      expect(again).toMatchObject([{ kind: 'STATE', status: 'COMPLETED' }])
      expect(reasons).toEqual(['expired'])
    } finally {
      await client.close()
      await server.end('SIGTERM')
    }
  })

  it('refuses a task that does not exist', async () => {
    const server = await startServer({})
    const client = createClient(server)
    try {
      const following = followTask(client, '0197e2c4-0000-7000-8000-000000000000').next()
      await expect(following).rejects.toMatchObject({ code: 'NOT_FOUND' })
    } finally {
      await client.close()
      await server.end('SIGTERM')
    }
  })
})
