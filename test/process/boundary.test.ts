import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { unprivilegedUser } from '#platform/system/system-user.ts'
import { graphqlData } from '#test/support/graphql.ts'
import {
  type ServerProcess,
  type ServerProcessOptions,
  spawnServer,
  startServerProcess,
} from '#test/support/process.ts'
import { createTestDatabase, secretKey, type TestDatabase } from '#test/support/server.ts'

const configFile = join(import.meta.dirname, '../fixtures/process/reading.config.ts')
const isRoot = process.getuid?.() === 0
const secret = 'only-the-server-should-know-this'

// The embedded database takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let database: TestDatabase
let directory: string
let server: ServerProcess | undefined
beforeEach(async () => {
  database = await createTestDatabase()
  directory = await mkdtemp(join(tmpdir(), 'signalbox-boundary-'))
  await chmod(directory, 0o711)
})
afterEach(async () => {
  await server?.end('SIGTERM')
  server = undefined
  await rm(directory, { recursive: true, force: true })
  await database.drop()
})

async function start(options: Partial<ServerProcessOptions> = {}): Promise<ServerProcess> {
  const env = { SIGNALBOX_CONFIG: configFile, TASK_USER: '', HOOK_SECRET: secret }
  server = await startServerProcess({ dataDir: join(directory, 'data'), env, databaseUrl: database.url, ...options })
  return server
}

/** What a server that does not start says. */
async function refusal(options: Partial<ServerProcessOptions>): Promise<string> {
  server = await spawnServer({ dataDir: join(directory, 'data'), ...options })
  const { child, output } = server
  if (child.exitCode === null) await once(child, 'exit')
  expect(child.exitCode).toBe(1)
  return output()
}

const submit =
  'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } ... on Failure { message } } }'

/** What a command reads from files: their text, or why it can't. */
async function read(on: ServerProcess, file: string): Promise<string> {
  const input = { type: 'command', input: { command: 'read', args: { file } }, retry: { maxAttempts: 1 } }
  const { submitTask } = await graphqlData<{ submitTask: { task: { id: string } } }>(on, submit, { input })
  const wait = `${on.url}/api/tasks/${submitTask.task.id}`
  const headers = { authorization: `Bearer ${on.token}` }
  await fetch(`${wait}/status?wait=30`, { headers })
  const logs = await graphqlData<{ task: { logs: { nodes: { message: string }[] } } }>(
    on,
    'query ($id: ID!) { task(id: $id) { logs(first: 50) { nodes { message } } } }',
    { id: submitTask.task.id },
  )
  return logs.task.logs.nodes.map(({ message }) => message).join('\n')
}

describe('a server', () => {
  it('shows nothing of the environment that it was started with', async () => {
    const { child } = await start()
    expect(readFileSync(`/proc/${child.pid}/environ`, 'latin1').replaceAll('\0', '')).toBe('')
  })
})

describe.skipIf(!isRoot)('a server of root', () => {
  it('runs commands that can read neither its data directory nor its environment', async () => {
    const { child } = await start({ databaseUrl: '' })
    const data = join(directory, 'data')
    for (const file of [
      join(data, 'postgres-password'),
      join(data, 'postgres/PG_VERSION'),
      data,
      `/proc/${child.pid}/environ`,
    ])
      expect(await read(server as ServerProcess, file)).toMatch(/Permission denied/)
  })

  it('keeps workspaces where its tasks can reach them, though the data directory is closed', async () => {
    await chmod(directory, 0o700)
    expect(await read(await start(), '/proc/self/status')).toMatch(/^Uid:\t19000\d{5}\t/m)
  })

  it('does not run tasks as the user that its database belongs to', async () => {
    const { name = '' } = await unprivilegedUser()
    const text = await refusal({ env: { TASK_USER: name } })
    expect(text).toContain('TASK_USER: the embedded database runs as this user')
  })
})

describe.skipIf(!isRoot)('a server of another user', () => {
  const uid = 12_345

  it('has no secret in what its tasks see of its environment', async () => {
    await chown(directory, uid, uid)
    const { child } = await start({ uid })
    const seen = await read(server as ServerProcess, `/proc/${child.pid}/environ`)
    expect(seen).not.toContain(secret)
    expect(seen).not.toContain(secretKey)
    expect(seen.replaceAll('\uFFFD', '')).toBe('')
  })

  it('does not start with the wish to run tasks as somebody else', async () => {
    await chown(directory, uid, uid)
    const text = await refusal({ databaseUrl: database.url, env: { TASK_USER: 'root' }, uid })
    expect(text).toContain(`TASK_USER: only root can run tasks as another user, and this is the user ${uid}`)
  })
})
