import { once } from 'node:events'
import { access, chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '#platform/system/free-port.ts'
import { tamper } from '#test/support/audit.ts'
import { run } from '#test/support/command-line.ts'
import { databaseUrl } from '#test/support/database-url.ts'
import { startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, secretKey, type TestDatabase } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

interface Finding {
  readonly check: string
  readonly status: string
  readonly message: string
  readonly advice?: string
}

let dataDir: string
let database: TestDatabase
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-doctor-'))
  database = await createTestDatabase()
})
afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

async function doctor(env: Record<string, string>) {
  const settings = { DATABASE_URL: database.url, DATA_DIR: dataDir, PORT: '0', ...env }
  const { code, stdout } = await run(['doctor', '--json'], { env: settings })
  const { findings } = JSON.parse(stdout) as { findings: Finding[] }
  const of = (check: string) => findings.find((finding) => finding.check === check)
  return { code, findings, of }
}

describe('doctor', () => {
  it('finds nothing wrong beside a running server', async () => {
    const server = await startServerProcess({ dataDir, databaseUrl: database.url })
    const { code, findings, of } = await doctor({ PORT: new URL(server.url).port })
    await server.end('SIGTERM')
    expect(findings.filter(({ status }) => status !== 'ok')).toEqual([])
    expect(code).toBe(0)
    expect(of('port')?.message).toContain('A Signalbox answers')
    const looked = [
      'configuration',
      'Node.js',
      'git',
      'task types',
      'task user',
      'CPU',
      'data directory',
      'disk',
      'database',
      'migrations',
    ]
    expect(findings.map(({ check }) => check)).toEqual([
      ...looked,
      'clock',
      'time zone',
      'journal',
      'audit log',
      'documents',
      'connections',
      'secrets',
      'credentials',
      'port',
    ])
  })

  it('says for people what it has found', async () => {
    const env = { DATABASE_URL: database.url, DATA_DIR: dataDir, PORT: '0' }
    const { stdout } = await run(['doctor'], { env })
    expect(stdout).toMatch(/^ok +database +PostgreSQL \d+\.\d+ answers/m)
    expect(stdout).toMatch(/All is well\.\n$/)
  })

  it('names each variable that is refused, and looks at the rest all the same', async () => {
    const { code, findings, of } = await doctor({ PORT: 'x', CRITICAL_SLOTS: '99' })
    expect(code).toBe(1)
    const faults = findings.filter(({ check }) => check === 'configuration').map(({ message }) => message.split(':')[0])
    expect(faults).toEqual(['PORT', 'CRITICAL_SLOTS'])
    expect(of('database')?.status).toBe('ok')
  })

  it('tells a port that another program has', async () => {
    const other = createServer((_req, res) => res.end('hello')).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { of } = await doctor({ PORT: String((other.address() as AddressInfo).port) })
    other.close()
    expect(of('port')).toMatchObject({ status: 'problem', message: expect.stringContaining('Another program answers') })
  })

  it('tells migrations that are still to be applied, and a database that does not answer', async () => {
    const name = `doctor_${Date.now()}`
    await database.query(`CREATE DATABASE ${name}`)
    const { code, of } = await doctor({ DATABASE_URL: databaseUrl(database.url, name) })
    await database.query(`DROP DATABASE ${name} WITH (FORCE)`)
    expect(of('migrations')).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('still to be applied'),
    })
    expect(code).toBe(0)
    const nowhere = await doctor({ DATABASE_URL: `postgresql://nobody@127.0.0.1:${await freePort()}/none` })
    expect(nowhere.of('database')).toMatchObject({ status: 'problem' })
    expect(nowhere.code).toBe(1)
  })

  it('tells that nobody writes the audit log', async () => {
    await database.query(
      "CREATE TABLE journal_days.all_days PARTITION OF journal FOR VALUES FROM ('2020-01-01') TO ('2100-01-01')",
    )
    await database.query(
      `INSERT INTO journal (at, account_id, type, subject, actor, data)
       VALUES (now() - interval '1 minute', gen_random_uuid(), 'auth.signed_in', 'session:1', '{}', '{}')`,
    )
    expect((await doctor({})).of('audit log')).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/^What was done \d+ seconds ago is not in it yet; 1 entries wait\.$/),
    })
  })

  it('tells an audit log that was removed', async () => {
    const server = await startServerProcess({ dataDir, databaseUrl: database.url })
    await until(async () => (await database.query('SELECT 1 FROM audit_entry')).length > 0)
    await server.end('SIGTERM')
    expect((await doctor({ SECRET_KEY: secretKey })).of('audit log')).toMatchObject({ status: 'ok' })
    await tamper(database, 'DELETE FROM audit_entry')
    const emptied = await doctor({ SECRET_KEY: secretKey })
    expect([emptied.code, emptied.of('audit log')?.message]).toEqual([
      1,
      'The log of the account main is not as it was written: Entry 1, with which the log begins, is missing.',
    ])
    await tamper(database, 'DELETE FROM audit_chain')
    expect((await doctor({ SECRET_KEY: secretKey })).of('audit log')).toMatchObject({
      status: 'problem',
      message: 'The log of the account main is not as it was written: The log has no chain: it was removed.',
    })
  }, 60_000)

  it('tells migrations that the program does not know', async () => {
    await database.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ('x', 'x', '29990101000000_from_the_future', now(), now(), 1)`,
    )
    const { of } = await doctor({})
    expect(of('migrations')).toMatchObject({ status: 'problem', message: expect.stringContaining('from_the_future') })
  })

  it('tells secrets that others may read', async () => {
    const secret = join(dataDir, 'postgres-password')
    await writeFile(secret, 'x')
    await chmod(secret, 0o644)
    const { of } = await doctor({})
    expect(of('data directory')).toMatchObject({ status: 'problem', advice: `chmod 600 ${secret}` })
  })

  it('tells a configuration file that can’t be loaded', async () => {
    const { of } = await doctor({ SIGNALBOX_CONFIG: '/nowhere/box.ts' })
    expect(of('task types')).toMatchObject({ status: 'problem', message: expect.stringContaining('does not exist') })
  })

  it('refuses what the start of a server refuses of the configuration', async () => {
    const file = join(dataDir, 'box.config.ts')
    const hook = (type: string) =>
      writeFile(
        file,
        `export default { hooks: { ci: { sender: 'gitlab', secretEnv: 'CI_SECRET', rules: [{ type: '${type}' }] } } }`,
      )
    await hook('probe')
    const settings = { SIGNALBOX_CONFIG: file, CI_SECRET: 'sixteen characters' }
    expect((await doctor(settings)).of('task types')?.message).toMatch(/task types, 0 commands, 1 hook\.$/)
    const short = await doctor({ ...settings, CI_SECRET: 'short' })
    expect([short.code, short.of('task types')?.message]).toEqual([
      1,
      'The hook "ci" takes its secret from CI_SECRET, which has fewer than 16 characters.',
    ])
    await hook('proeb')
    expect((await doctor({ SIGNALBOX_CONFIG: file })).of('task types')?.message).toBe(
      'The hook "ci" takes its secret from CI_SECRET, which is not set. ' +
        'hooks.ci.rules[0] submits tasks of the type "proeb", which does not exist. Did you mean "probe"?',
    )
    const { of } = await doctor({ PERSISTED_OPERATIONS: join(dataDir, 'operations') })
    expect(of('persisted operations')).toMatchObject({ status: 'problem', message: expect.stringContaining('read') })
  })

  it('makes nothing, not even the data directory', async () => {
    const missing = join(dataDir, 'missing')
    const { of } = await doctor({ DATA_DIR: missing, DATABASE_URL: '' })
    expect(of('embedded database')?.message).toContain('none yet')
    await expect(access(missing)).rejects.toThrow('ENOENT')
  })
})
