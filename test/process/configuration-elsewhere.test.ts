import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

/** As somebody writes it in /etc, with no package beside it. */
const configuration = `
import { defineConfig, defineTaskType, PermanentFailure } from 'signalbox'
import { z } from 'zod'

export default defineConfig({
  commands: {
    list: { command: ['sh', '-c', 'echo $REGION > $SIGNALBOX_RESULT'], env: ['REGION'] },
    object: { command: ['sh', '-c', 'echo $REGION > $SIGNALBOX_RESULT'], env: { REGION: true } },
  },
  taskTypes: [
    defineTaskType({
      name: 'list',
      description: 'Passes a variable on.',
      input: z.object({}),
      env: ['REGION', 'NOT_SET'],
      run: ({ env }) => env,
    }),
    defineTaskType({
      name: 'object',
      description: 'Passes a variable on and sets another.',
      input: z.object({}),
      env: { REGION: true, STAGE: 'test' },
      run: ({ env }) => env,
    }),
    ...['process', 'none'].map((isolation) =>
      defineTaskType({
        name: 'refuse-' + isolation,
        description: 'Fails for good.',
        input: z.object({}),
        isolation,
        run: () => {
          throw new PermanentFailure('This never works.', 'NEVER')
        },
      }),
    ),
  ],
})`

let database: TestDatabase
let directory: string
let server: ServerProcess
beforeAll(async () => {
  database = await createTestDatabase()
  directory = await mkdtemp(join(tmpdir(), 'signalbox-elsewhere-'))
  await chmod(directory, 0o755)
  const file = join(directory, 'signalbox.config.ts')
  await writeFile(file, configuration)
  server = await startServerProcess({
    dataDir: join(directory, 'data'),
    databaseUrl: database.url,
    env: { SIGNALBOX_CONFIG: file, REGION: '7' },
  })
})
afterAll(async () => {
  await server?.end('SIGTERM')
  await rm(directory, { recursive: true, force: true })
  await database.drop()
})

interface Ended {
  readonly status: string
  readonly result: unknown
  readonly error: { readonly code: string; readonly retryable: boolean } | null
}

async function runTask(type: string, input: object): Promise<Ended> {
  const { submitTask } = await graphqlData<{ submitTask: { task: { id: string } } }>(
    server,
    'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } } }',
    { input: { type, input } },
  )
  const read = () =>
    graphqlData<{ task: Ended }>(
      server,
      'query ($id: ID!) { task(id: $id) { status result error { code retryable } } }',
      { id: submitTask.task.id },
    )
  await until(async () => ['COMPLETED', 'FAILED'].includes((await read()).task.status))
  return (await read()).task
}

async function resultOf(type: string, input: object): Promise<unknown> {
  return (await runTask(type, input)).result
}

it('gets signalbox and zod from the installation, in the server and in the processes of tasks', async () => {
  expect(await resultOf('list', {})).toEqual({ REGION: '7' })
  expect(await resultOf('object', {})).toEqual({ REGION: '7', STAGE: 'test' })
}, 60_000)

it('names the environment of commands in the forms that task types have', async () => {
  expect(await resultOf('command', { command: 'list' })).toBe(7)
  expect(await resultOf('command', { command: 'object' })).toBe(7)
}, 60_000)

it.each(['process', 'none'])(
  'recognizes the failures of signalbox that are thrown with isolation %s',
  async (isolation) => {
    const { status, error } = await runTask(`refuse-${isolation}`, {})
    expect(status).toBe('FAILED')
    expect(error).toEqual({ code: 'NEVER', retryable: false })
  },
  60_000,
)
