import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditEntriesOnce } from '#test/support/audit.ts'
import { run } from '#test/support/command-line.ts'
import { graphql } from '#test/support/graphql.ts'
import { createTestDatabase, startTestServer, type TestDatabase, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

let database: TestDatabase
let server: TestServer
let dataDir: string
beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-reset-'))
  server = await startTestServer({ database })
})
afterAll(async () => {
  await server.close()
  await database.drop()
  await rm(dataDir, { recursive: true, force: true })
})

const resetOwner = (...args: string[]) =>
  run(['token', 'reset-owner', ...args], { env: { DATABASE_URL: database.url, DATA_DIR: dataDir } })

const roleOf = async (token: string) => {
  const { data } = await graphql<{ viewer: { role: string } }>(server, '{ viewer { role } }', {}, token)
  return data?.viewer.role
}

describe('token reset-owner', () => {
  it('replaces the token of a running server’s owner, and says so in the audit log', async () => {
    const { code, stdout, stderr } = await resetOwner()
    expect([code, stderr]).toEqual([0, "The owner's earlier token is not accepted from now on.\n"])
    const token = stdout.trim()
    expect(stdout).toMatch(/^sbx_\w+\n$/)
    await until(async () => (await roleOf(server.token)) === undefined)
    expect(await roleOf(token)).toBe('OWNER')
    const renewed = { url: server.url, token }
    const [entry] = await auditEntriesOnce(renewed, { types: ['auth.token_revoked'] })
    expect(await auditEntriesOnce(renewed, { types: ['auth.token_created'] }, 2)).toHaveLength(2)
    expect(entry).toMatchObject({ actor: { kind: 'system', name: expect.stringMatching(/^operator /) } })
  })

  it('says which account it can’t find', async () => {
    const { code, stderr } = await resetOwner('--account', 'elsewhere')
    expect([code, stderr]).toEqual([2, 'There is no account "elsewhere".\n'])
  })
})
