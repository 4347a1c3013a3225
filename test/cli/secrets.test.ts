import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SecretBox } from '#platform/secrets/secret-box.ts'
import { run } from '#test/support/command-line.ts'
import { graphql } from '#test/support/graphql.ts'
import { addPerson, signIn } from '#test/support/people.ts'
import { createTestDatabase, secretKey, startTestServer, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, updatedWebhook } from '#test/support/webhooks.ts'

const newKey = Buffer.alloc(32, 'n').toString('base64')
const lostKey = Buffer.alloc(32, 'l')

let dataDir: string
let database: TestDatabase
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-secrets-'))
  database = await createTestDatabase()
})
afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

interface Report {
  readonly places: { name: string; renewed: number; remaining: number }[]
  readonly remaining: number
}

const signalbox = (args: string[], env: Record<string, string>) =>
  run(args, { env: { DATABASE_URL: database.url, DATA_DIR: dataDir, PORT: '0', ...env } })

async function rotate(env: Record<string, string>) {
  const { code, stdout } = await signalbox(['secrets', 'rotate', '--json'], env)
  const { places, remaining } = JSON.parse(stdout) as Report
  return { code, renewed: places.map((place) => place.renewed), remaining }
}

async function doctorSays(env: Record<string, string>): Promise<string | undefined> {
  const { stdout } = await signalbox(['doctor', '--json'], env)
  const { findings } = JSON.parse(stdout) as { findings: { check: string; message: string }[] }
  return findings.find(({ check }) => check === 'secrets')?.message
}

describe('secrets rotate', () => {
  it('encrypts everything again while servers run, so that the old key can be removed', async () => {
    const before = await startTestServer({ database, env: { LOG_LEVEL: 'silent' } })
    const { accessToken } = await signIn(before, await addPerson(before))
    await graphql(before, 'mutation { putSecret(input: { name: "KEPT", value: "as it was" }) { __typename } }')
    const webhook = await createWebhook(before, { url: 'https://nowhere.invalid', headers: { authorization: 'mine' } })
    await until(async () => (await database.query('SELECT 1 FROM audit_chain')).length > 0)
    await before.close()
    const both = { SECRET_KEY: newKey, SECRET_KEY_PREVIOUS: secretKey }
    expect(await doctorSays(both)).toBe(
      'Still encrypted with an older key: keys that sign access tokens, 1; keys that sign deliveries to webhooks, 1; ' +
        'secret headers of webhooks, 1; secrets of tasks, 1; seals of audit logs, 1.',
    )
    const during = await startTestServer({ database, env: { LOG_LEVEL: 'silent', ...both } })
    const { code, renewed, remaining } = await rotate(both)
    expect([code, renewed[0], remaining]).toEqual([0, 1, 0])
    // What was signed before goes on to be accepted, and signing goes on.
    expect((await graphql(during, '{ viewer { kind } }', {}, accessToken)).errors).toBeUndefined()
    await signIn(during, await addPerson(during))
    await during.close()
    const only = { SECRET_KEY: newKey }
    expect(await doctorSays(only)).toBe('All are encrypted with the present key.')
    expect(new Set((await rotate(only)).renewed)).toEqual(new Set([0]))
    const after = await startTestServer({ database, env: { LOG_LEVEL: 'silent', ...only } })
    expect(await updatedWebhook(after, { id: webhook.id, name: 'opened' })).toBe('opened')
    expect((await graphql(after, '{ viewer { kind } }', {}, accessToken)).errors).toBeUndefined()
    expect(await signIn(after, await addPerson(after))).toHaveProperty('accessToken')
    await after.close()
  })

  it('goes through more than a step holds, and says what is left under keys that are not here', async () => {
    const server = await startTestServer({ database, env: { LOG_LEVEL: 'silent' } })
    await server.close()
    const [old, lost] = [Buffer.from(secretKey, 'base64'), lostKey].map((key) => new SecretBox(key))
    const values = [...Array(250).fill(await old?.seal('{}')), ...Array(3).fill(await lost?.seal('{}'))]
    await database.query(
      `INSERT INTO signing_key (id, public_key, private_key, created_at)
       SELECT gen_random_uuid(), '{}', sealed, now() - interval '20 days' FROM unnest($1::text[]) AS sealed`,
      [values],
    )
    const env = { SECRET_KEY: newKey, SECRET_KEY_PREVIOUS: secretKey }
    const { code, renewed, remaining } = await rotate(env)
    expect([code, renewed[0], remaining]).toEqual([1, 251, 3])
    const { stdout } = await signalbox(['secrets', 'rotate'], env)
    expect(stdout).toMatch(/^keys that sign access tokens +0 +3$/m)
    expect(stdout).toContain('Some is left that no key here opens')
    const all = { ...env, SECRET_KEY_PREVIOUS: `${secretKey},${lostKey.toString('base64')}` }
    expect(await rotate(all)).toMatchObject({ code: 0, remaining: 0 })
  })

  it('does not make a forged audit log look genuine', async () => {
    const server = await startTestServer({ database, env: { LOG_LEVEL: 'silent' } })
    await until(async () => (await database.query('SELECT 1 FROM audit_chain')).length > 0)
    await server.close()
    await database.query("UPDATE audit_chain SET seal = 'forged'")
    const { code, remaining } = await rotate({ SECRET_KEY: newKey, SECRET_KEY_PREVIOUS: secretKey })
    expect([code, remaining]).toEqual([1, 1])
  })

  it('wants a database that is up to date', async () => {
    await database.query("DELETE FROM _prisma_migrations WHERE migration_name LIKE '%devices'")
    const { code, stderr } = await signalbox(['secrets', 'rotate'], {})
    expect([code, stderr]).toEqual([1, expect.stringContaining('run `migrate` first')])
  })
})
