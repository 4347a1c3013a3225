import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditLock } from '#domain/audit/store.ts'
import { auditEntries, verifyAudit } from '#test/support/audit.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

let database: TestDatabase
let dataDir: string
let first: ServerProcess
let second: ServerProcess
beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-audit-'))
  first = await start('first')
  second = await start('second')
})
afterAll(async () => {
  await Promise.all([first.end('SIGTERM'), second.end('SIGTERM')])
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

function start(name: string): Promise<ServerProcess> {
  const env = { LOG_LEVEL: 'error', ROLES: 'api' }
  return startServerProcess({ dataDir: join(dataDir, name), databaseUrl: database.url, env })
}

async function submit(server: ServerProcess, count: number): Promise<void> {
  await graphqlData(
    server,
    'mutation ($input: SubmitTasksInput!) { submitTasks(input: $input) { ... on SubmitTasksPayload { deduplicated } } }',
    { input: { tasks: Array.from({ length: count }, () => ({ type: 'probe', input: { durationMs: 0 } })) } },
  )
}

/** How many submissions the journal has, and the log. */
async function submissions(): Promise<{ journal: number; log: number; subjects: number }> {
  const [row] = await database.query<{ journal: number; log: number; subjects: number }>(
    `SELECT (SELECT count(*)::int FROM journal WHERE type = 'task.submitted') AS journal,
       (SELECT count(*)::int FROM audit_entry WHERE type = 'task.submitted') AS log,
       (SELECT count(DISTINCT subject)::int FROM audit_entry WHERE type = 'task.submitted') AS subjects`,
  )
  return row!
}

async function metric(server: ServerProcess, name: string): Promise<number> {
  const answer = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.token}` } })
  const [, value] = new RegExp(`^${name} (.+)$`, 'm').exec(await answer.text()) ?? []
  return Number(value)
}

describe('the log of several processes', () => {
  it('has each entry once, in the journal’s order, though they are killed while they write it', async () => {
    let written = 0
    for (const round of [0, 1, 2]) {
      const [victim, other] = round % 2 === 0 ? [first, second] : [second, first]
      // A killed process may have been in the midst of any of these.
      const writing = Promise.all(Array.from({ length: 4 }, () => submit(other, 450)))
      await until(async () => (await submissions()).log > written)
      await victim.end('SIGKILL')
      await writing
      written += 1_800
      await until(async () => (await submissions()).log === written)
      if (victim === first) first = await start('first')
      else second = await start('second')
    }
    expect(await submissions()).toEqual({ journal: written, log: written, subjects: written })
    const [order] = await database.query<{ same: boolean }>(
      `SELECT array_agg(subject ORDER BY xid, seq) = (SELECT array_agg(subject ORDER BY seq) FROM audit_entry WHERE type = 'task.submitted') AS same
       FROM journal WHERE type = 'task.submitted'`,
    )
    expect(order?.same).toBe(true)
    expect(await verifyAudit(first)).toMatchObject({ faultCount: 0, stretches: 6 })
  }, 90_000)

  it('waits while nobody may write it, says so, and is complete afterwards', async () => {
    const holder = new pg.Client({ connectionString: database.url })
    await holder.connect()
    await holder.query('SELECT pg_advisory_lock($1)', [auditLock])
    const before = (await submissions()).log
    await submit(second, 3)
    expect(await until(async () => (await metric(first, 'signalbox_audit_lag_seconds')) > 0)).toBe(true)
    expect((await submissions()).log).toBe(before)
    // The process that held it is gone.
    await holder.end()
    await until(async () => (await submissions()).log === before + 3)
    await until(async () => (await metric(second, 'signalbox_audit_lag_seconds')) === 0)
    expect((await auditEntries(first)).length).toBe(200)
  })
})
