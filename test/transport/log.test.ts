import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

let database: TestDatabase
let server: ServerProcess
let dataDir: string

beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-log-'))
  server = await startServerProcess({ dataDir, databaseUrl: database.url, env: { LOG_LEVEL: 'debug' } })
})

afterAll(async () => {
  await server.end('SIGTERM')
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

type Line = Record<string, unknown>

/** The first line of the log that says all this. */
async function logged(facts: Line): Promise<Line> {
  return until(() =>
    server
      .output()
      .split('\n')
      .filter((text) => text.startsWith('{') && text.endsWith('}'))
      .map((text) => JSON.parse(text) as Line)
      .find((line) => Object.entries(facts).every(([name, value]) => line[name] === value)),
  )
}

describe('the log', () => {
  it('tells a request with its own id and those of its account and actor', async () => {
    const authorization = `Bearer ${server.token}`
    const answer = await fetch(`${server.url}/api/tasks`, { headers: { authorization, 'x-request-id': 'mine-1' } })
    expect(answer.headers.get('x-request-id')).toBe('mine-1')
    const [account] = await database.query<{ id: string }>('SELECT id FROM account')
    const [token] = await database.query<{ id: string }>('SELECT id FROM application_token')
    const line = await logged({ requestId: 'mine-1' })
    expect(line).toMatchObject({
      accountId: account?.id,
      actorId: token?.id,
      method: 'GET',
      path: '/api/tasks',
      status: 200,
    })
  })

  it('tells a request of nobody without an account', async () => {
    await fetch(`${server.url}/api/tasks`, { headers: { 'x-request-id': 'nobody-1' } })
    expect(await logged({ requestId: 'nobody-1' })).not.toHaveProperty('accountId')
  })

  it('tells an attempt with the ids of its task and account', async () => {
    const { submitTask } = await graphqlData<{ submitTask: { task: { id: string } } }>(
      server,
      'mutation { submitTask(input: { type: "probe", input: { durationMs: 0 } }) { ... on SubmitTaskPayload { task { id } } } }',
    )
    const [account] = await database.query<{ id: string }>('SELECT id FROM account')
    expect(await logged({ taskId: submitTask.task.id })).toMatchObject({ accountId: account?.id, outcome: 'completed' })
  })

  it('never holds a token or the database’s password', async () => {
    await fetch(`${server.url}/api/tasks?token=in-the-address-0123`, {
      headers: { authorization: 'Bearer wrong-token-0123' },
    })
    await logged({ status: 401 })
    await fetch(`${server.url}/sfp/api/application-tokens/in-the-path-0123`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${server.token}` },
    })
    await logged({ method: 'DELETE', path: '/sfp/api/application-tokens/…', status: 404 })
    const given = ['wrong-token-0123', 'in-the-address-0123', 'in-the-path-0123']
    for (const secret of [server.token, ...given, new URL(database.url).password])
      expect(server.output()).not.toContain(secret)
  })
})
