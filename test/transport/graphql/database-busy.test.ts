import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let holder: pg.Client
beforeAll(async () => {
  server = await startTestServer({ env: { ROLES: 'api' } })
  holder = new pg.Client({ connectionString: server.database.url })
  await holder.connect()
})
afterAll(async () => {
  await holder.end()
  await server.close()
})

const write = 'mutation { submitTask(input: { type: "probe" }) { __typename } }'
const read = '{ tasks(first: 1) { nodes { id } } }'

/** Sends an operation while nobody gets at the tasks, and lets `meanwhile` run once it waits. */
async function codeWhileLocked(query: string, meanwhile: () => Promise<void>): Promise<unknown> {
  // What an earlier test broke off may leave connections that have yet to be replaced.
  await until(async () => (await graphql(server, write)).errors === undefined)
  await holder.query('BEGIN; LOCK TABLE task IN ACCESS EXCLUSIVE MODE')
  try {
    const answer = graphql(server, query)
    await until(async () => (await server.database.query(`SELECT 1 ${waiting}`)).length > 0)
    await meanwhile()
    return (await answer).errors?.[0]?.extensions?.['code']
  } finally {
    await holder.query('ROLLBACK')
  }
}

/** Not to be asked within a transaction, which sees the activity of its first look for good. */
const waiting = `FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`

async function cancel(): Promise<void> {
  await server.database.query(`SELECT pg_cancel_backend(pid) ${waiting}`)
}

describe('a database that takes too long', () => {
  it.each([
    ['write', write],
    ['read', read],
  ])('makes a %s unavailable when its statement is broken off', async (_, query) => {
    expect(await codeWhileLocked(query, cancel)).toBe('UNAVAILABLE')
  })

  it('makes a write unavailable that waits too long for a lock', async () => {
    expect(await codeWhileLocked(write, async () => {})).toBe('UNAVAILABLE')
  }, 60_000)
})
