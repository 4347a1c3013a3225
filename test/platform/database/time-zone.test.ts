import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectForStartup } from '#platform/database/connect.ts'
import { migrate } from '#platform/database/migrate.ts'
import { auditEntriesOnce } from '#test/support/audit.ts'
import { records, run } from '#test/support/command-line.ts'
import { databaseUrl } from '#test/support/database-url.ts'
import { log } from '#test/support/embedded.ts'
import { graphqlData } from '#test/support/graphql.ts'
import {
  createTestDatabase,
  secretKey,
  startTestServer,
  type TestDatabase,
  type TestServer,
} from '#test/support/server.ts'

let database: TestDatabase
let server: TestServer
let env: Record<string, string>
let begunAt: number
beforeAll(async () => {
  database = await createTestDatabase()
  const [row] = await database.query<{ name: string }>('SELECT current_database() AS name')
  const settings = {
    timezone: 'Asia/Kathmandu',
    datestyle: 'German, DMY',
    intervalstyle: 'iso_8601',
    bytea_output: 'escape',
  }
  for (const [name, value] of Object.entries(settings))
    await database.query(`ALTER DATABASE ${row?.name} SET ${name} = '${value}'`)
  begunAt = Date.now()
  server = await startTestServer({ database, env: { EGRESS_ALLOW: '127.0.0.0/8' } })
  env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }
})
afterAll(async () => {
  await server.close()
  await database.drop()
})

/** Within this test's run. */
function expectRecent(moment: string | null | undefined): void {
  expect(Date.parse(moment ?? '')).toBeGreaterThan(begunAt - 5_000)
  expect(Date.parse(moment ?? '')).toBeLessThan(Date.now() + 5_000)
}

describe('a server whose database has another time zone and other formats', () => {
  it('reads the moments of tasks as they are, and selects tasks by them', async () => {
    const submit = 'mutation { submitTask(input: { type: "probe" }) { __typename } }'
    await graphqlData(server, submit)
    const since = (from: number) => {
      const variables = { where: { createdFrom: new Date(from).toISOString() } }
      const query = 'query ($where: TaskFilter!) { tasks(where: $where) { nodes { createdAt } } }'
      return graphqlData<{ tasks: { nodes: { createdAt: string }[] } }>(server, query, variables)
    }
    const { nodes } = (await since(begunAt - 60_000)).tasks
    expect(nodes).toHaveLength(1)
    expectRecent(nodes[0]?.createdAt)
    expect((await since(Date.now() + 60_000)).tasks.nodes).toEqual([])
  })

  it('reads the moments of tokens, sessions and webhooks as they are', async () => {
    await graphqlData(
      server,
      `mutation {
        createApplicationToken(input: { name: "zone", scopes: ["tasks:read"], expiresInDays: 1 }) { __typename }
        createWebhook(input: { name: "zone", url: "http://127.0.0.1:9/", events: ["*"] }) { __typename }
      }`,
    )
    const read = await graphqlData<{
      applicationTokens: { nodes: { name: string; createdAt: string; expiresAt: string }[] }
      webhooks: { nodes: { createdAt: string }[] }
    }>(
      server,
      `{ applicationTokens(first: 10) { nodes { name createdAt expiresAt } } webhooks(first: 10) { nodes { createdAt } } }`,
    )
    const token = read.applicationTokens.nodes.find(({ name }) => name === 'zone')
    expectRecent(token?.createdAt)
    const lifeMs = Date.parse(token?.expiresAt ?? '') - Date.parse(token?.createdAt ?? '')
    expect(Math.round(lifeMs / 60_000)).toBe(24 * 60)
    expectRecent(read.webhooks.nodes[0]?.createdAt)
  })

  it('exports an audit log that is genuine, and selects entries by their time', async () => {
    await auditEntriesOnce(server, {}, 2)
    const { stdout } = await run(['audit', 'export'], { env })
    for (const entry of records(stdout)) expectRecent(entry['at'] as string)
    const file = join(tmpdir(), `signalbox-audit-${process.pid}.ndjson`)
    await writeFile(file, stdout)
    expect(await run(['audit', 'verify-export', file], { env: {} })).toMatchObject({ code: 0 })
    await rm(file)
    const recent = await run(['audit', 'list', '--from', new Date(begunAt - 60_000).toISOString(), '--json'], { env })
    expect((JSON.parse(recent.stdout) as { nodes: unknown[] }).nodes.length).toBeGreaterThan(1)
  })

  it('has its time zone named by doctor', async () => {
    const doctorEnv = { DATABASE_URL: database.url, DATA_DIR: server.dataDir, SECRET_KEY: secretKey }
    const { stdout } = await run(['doctor', '--json'], { env: doctorEnv })
    const { findings } = JSON.parse(stdout) as { findings: { check: string }[] }
    expect(findings.find(({ check }) => check === 'time zone')).toMatchObject({
      status: 'ok',
      message: "Connections use UTC; the database's own time zone is Asia/Kathmandu.",
    })
  })
})

it('migrates with the time zone UTC, whatever DATABASE_URL asks for', async () => {
  const migrationsDir = await mkdtemp(join(tmpdir(), 'signalbox-zone-'))
  await mkdir(join(migrationsDir, '20260101000000_zone'))
  const script = "CREATE TABLE zone AS SELECT current_setting('TimeZone') AS name;"
  await writeFile(join(migrationsDir, '20260101000000_zone', 'migration.sql'), script)
  const name = `zone_${process.pid}`
  await database.query(`CREATE DATABASE ${name}`)
  const url = new URL(databaseUrl(database.url, name))
  url.searchParams.set('options', '-c timezone=America/New_York')
  try {
    await migrate({ databaseUrl: url.href, log, migrationsDir })
    const client = await connectForStartup(url.href, 'test')
    const { rows } = await client.query(`SELECT name, current_setting('TimeZone') AS startup FROM zone`)
    await client.end()
    expect(rows).toEqual([{ name: 'UTC', startup: 'UTC' }])
  } finally {
    await database.query(`DROP DATABASE ${name} WITH (FORCE)`)
    await rm(migrationsDir, { recursive: true })
  }
})
