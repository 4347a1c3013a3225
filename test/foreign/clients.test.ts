import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import packageJson from '#package.json' with { type: 'json' }
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { makeProject, runNode } from './generate.ts'

/** The clients that run here, with what each reports beyond what all do. */
const clients = {
  apollo: { file: 'apollo.ts', more: { live: ['SCHEDULED', 'CANCELLED'] } },
  urql: { file: 'urql.ts' },
  'graphql-request': { file: 'graphql-request.ts' },
  'graphql-ws': { file: 'graphql-ws.ts' },
  'graphql-sse': { file: 'graphql-sse.ts' },
  relay: { file: 'built/relay.js', more: { refetched: true, nodes: ['Task', null] } },
  'openapi-fetch': { file: 'openapi-fetch.ts', error: 'MALFORMED_REQUEST', more: { ticket: 'acquired' } },
  'hey-api': { file: 'hey-api.ts', error: 'MALFORMED_REQUEST', more: { ticket: 'acquired' } },
} satisfies Record<string, { file: string; more?: object; error?: string }>

interface Named {
  readonly id: string
}

let server: TestServer
let folder: string
let waiting: string[]
beforeAll(async () => {
  server = await startTestServer({ configFile: join(import.meta.dirname, 'signalbox.config.ts') })
  folder = await mkdtemp(join(tmpdir(), 'signalbox-foreign-'))
  await makeProject(server, folder)
  const tasks = Array.from({ length: 5 }, () => ({ type: 'waits', input: {}, runAt: '2999-01-01T00:00:00Z' }))
  const submit = `mutation ($tasks: [SubmitTaskInput!]!) {
    submitTasks(input: { tasks: $tasks }) { ... on SubmitTasksPayload { tasks { id } } } }`
  const { submitTasks } = await graphqlData<{ submitTasks: { tasks: Named[] } }>(server, submit, { tasks })
  waiting = submitTasks.tasks.map(({ id }) => id)
}, 120_000)
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

/** What a program has found out about the server. */
async function reportOf(file: string): Promise<unknown> {
  const env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }
  return JSON.parse(await runNode(folder, [file], env))
}

describe('clients of others', () => {
  it.each(Object.entries(clients))(
    '%s submits and watches, pages, writes and reads, and can tell why it is refused',
    async (name, { file, ...own }) => {
      const { pages, ...report } = (await reportOf(file)) as { pages: string[][] }
      expect(report).toEqual({
        status: 'COMPLETED',
        result: { greeting: `Hello, ${name}` },
        document: { version: 1, data: { list: [1, null, 'ü'] } },
        refusal: 'VERSION_CONFLICT',
        error: 'error' in own ? own.error : 'INVALID_INPUT',
        ...('more' in own && own.more),
      })
      expect(pages.map(({ length }) => length)).toEqual([2, 2, 1])
      expect(pages.flat().toSorted()).toEqual(waiting.toSorted())
    },
    60_000,
  )

  it('compile against types that are generated from the served schema and OpenAPI document', async () => {
    const tsc = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc')
    expect(await runNode(folder, [tsc, '--project', '.'])).toBe('')
  }, 60_000)

  it('need no casts', async () => {
    const files = (await readdir(join(import.meta.dirname, 'clients'), { recursive: true })).filter((name) =>
      name.endsWith('.ts'),
    )
    for (const file of files) {
      const text = (await readFile(join(import.meta.dirname, 'clients', file), 'utf8')).replaceAll(
        /\/\/.*|\/\*[\s\S]*?\*\//g,
        '',
      )
      expect([file, text.match(/\bas (?!const\b)\w|\bany\b/g)]).toEqual([file, null])
    }
  })

  it('are listed in the documentation with the versions that run here', async () => {
    const page = await readFile(join(import.meta.dirname, '../../src/docs/client.md'), 'utf8')
    const versions: Readonly<Record<string, string>> = { ...packageJson.devDependencies, ...packageJson.dependencies }
    const rows = [...page.matchAll(/^\| `([^`]+)` \| (\d+\.[\d.]+) \|/gm)].map(([, name = '', version]) => [
      name,
      version,
    ])
    expect(rows.map(([name]) => name)).toEqual([
      '@apollo/client',
      '@urql/core',
      'graphql-request',
      'graphql-ws',
      'graphql-sse',
      'relay-compiler',
      'openapi-typescript',
      'openapi-fetch',
      '@hey-api/openapi-ts',
    ])
    for (const [name = '', version] of rows) expect([name, version]).toEqual([name, versions[name]])
  })
})
