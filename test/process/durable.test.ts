import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

const configFile = fileURLToPath(new URL('../fixtures/durable/signalbox.config.ts', import.meta.url))

let database: TestDatabase
let dataDir: string
const started: ServerProcess[] = []
beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-durable-'))
})
afterAll(async () => {
  for (const server of started) await server.end('SIGKILL')
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

async function start(): Promise<ServerProcess> {
  const env = { SIGNALBOX_CONFIG: configFile }
  const server = await startServerProcess({ dataDir, databaseUrl: database.url, env })
  started.push(server)
  return server
}

it('a task remembers its steps and what it waited for when its server is killed', async () => {
  const file = join(dataDir, 'done')
  const done = () => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  const first = await start()
  const id = await submitTask(first, { type: 'durable.hangs', input: { file } })
  await until(() => done() === 'before\n')
  await graphqlData(
    first,
    'mutation ($id: ID!) { signalTask(input: { id: $id, name: "go", value: { by: 7 } }) { ... on Failure { message } } }',
    { id },
  )
  await until(() => done() === 'before\nhanging\n')
  await first.end('SIGKILL')
  const second = await start()
  await until(() => done() === 'before\nhanging\nhanging\n')
  writeFileSync(`${file}.gate`, '')
  const query = 'query ($id: ID!) { task(id: $id) { status result attempts { status } } }'
  const task = await until(async () => {
    const { task } = await graphqlData<{ task: { status: string } }>(second, query, { id })
    return task.status !== 'ACTIVE' && task.status !== 'PENDING' && task
  })
  expect(task).toEqual({
    status: 'COMPLETED',
    result: { value: { by: 7 }, steps: 'before\nhanging\nhanging\n' },
    attempts: [{ status: 'WAITED' }, { status: 'LOST' }, { status: 'COMPLETED' }],
  })
}, 60_000)
