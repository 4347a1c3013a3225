import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { migrate, pendingMigrations } from '#platform/database/migrate.ts'
import type { EmbeddedDatabase } from '#platform/embedded/embedded-database.ts'
import { log, makeDirectory, query, removeDirectory, startIn, until } from '#test/support/embedded.ts'
import { servePostgresOfVersion } from '#test/support/fake-postgres.ts'

let directory: string
let server: EmbeddedDatabase
let databaseUrl: string
let migrationsDir: string
let count = 0

beforeAll(async () => {
  directory = await makeDirectory()
  server = await startIn(directory)
})

afterAll(async () => {
  await server.stop()
  await removeDirectory(directory)
})

beforeEach(async () => {
  count += 1
  await query(server.url, `CREATE DATABASE test${count}`)
  databaseUrl = urlWith({ pathname: `/test${count}` })
  migrationsDir = join(directory, `migrations${count}`)
  await give('1_first', 'CREATE TABLE first (n int);\nINSERT INTO first VALUES (1);')
})

function urlWith(change: { pathname?: string; password?: string; username?: string; port?: string }): string {
  return Object.assign(new URL(server.url), change).href
}

async function give(name: string, script: string): Promise<void> {
  await mkdir(join(migrationsDir, name), { recursive: true })
  await writeFile(join(migrationsDir, name, 'migration.sql'), script)
}

function apply(lockTimeoutMs = 60_000): Promise<{ applied: string[] }> {
  return migrate({ databaseUrl, log, migrationsDir, lockTimeoutMs })
}

describe('migrating', () => {
  it('applies what is missing, in order, and records it as Prisma does', async () => {
    await give('2_second', 'INSERT INTO first VALUES (2);')
    expect(await apply()).toEqual({ applied: ['1_first', '2_second'] })
    expect(await apply()).toEqual({ applied: [] })
    await give('3_third', 'INSERT INTO first VALUES (3);')
    expect(await apply()).toEqual({ applied: ['3_third'] })
    expect(await query(databaseUrl, 'SELECT n FROM first')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    const record = `SELECT migration_name AS name, applied_steps_count AS steps, length(checksum) AS checksum
                      FROM _prisma_migrations WHERE finished_at IS NOT NULL ORDER BY migration_name`
    expect(await query(databaseUrl, record)).toEqual(
      ['1_first', '2_second', '3_third'].map((name) => ({ name, steps: 1, checksum: 64 })),
    )
  })

  it('brings an empty database to what this program needs', async () => {
    const own = await migrate({ databaseUrl, log })
    expect(own.applied).not.toEqual([])
    expect(await pendingMigrations({ databaseUrl })).toEqual({ applied: own.applied, pending: [], unknown: [] })
  })

  it('leaves semicolons inside of function bodies and texts alone', async () => {
    await give(
      '2_function',
      `CREATE FUNCTION two() RETURNS int AS $$ BEGIN RETURN 1; END; $$ LANGUAGE plpgsql; SELECT ';';`,
    )
    await apply()
    expect(await query(databaseUrl, 'SELECT two()')).toEqual([{ two: 1 }])
  })

  it('undoes a migration that fails, keeps the ones before, and tries it again', async () => {
    await give('2_second', 'CREATE TABLE second (n int);\nINSERT INTO missing VALUES (1);')
    await expect(apply()).rejects.toThrow(
      'The migration 2_second failed and was undone: relation "missing" does not exist (42P01). ' +
        'The database is as it was before it; remove the cause, and start again.',
    )
    expect(await pendingMigrations({ databaseUrl, migrationsDir })).toMatchObject({ pending: ['2_second'] })
    await give('2_second', 'CREATE TABLE second (n int);')
    expect(await apply()).toEqual({ applied: ['2_second'] })
  })

  it('leaves nothing of a migration that is cut off', async () => {
    await give('2_second', 'CREATE TABLE second (n int);\nSELECT pg_sleep(60);')
    const cutOff = expect(apply()).rejects.toThrow('The migration 2_second failed and was undone: ')
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`
    await until(async () => (await query(server.url, end)).length === 1)
    await cutOff
    await give('2_second', 'CREATE TABLE second (n int);')
    expect(await apply()).toEqual({ applied: ['2_second'] })
  })

  it('is done once by several that start at once', async () => {
    const results = await Promise.all([apply(), apply(), apply(), apply()])
    expect(results.flatMap((result) => result.applied)).toEqual(['1_first'])
  })

  it('gives up when another process migrates for too long', async () => {
    await give('2_second', 'SELECT pg_sleep(60);')
    const first = apply().catch((error: Error) => error.message)
    const sleeping = `SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'`
    await until(async () => (await query(server.url, sleeping)).length === 1)
    await expect(apply(100)).rejects.toThrow('has been migrating the database for more than 0.1 seconds. Wait until')
    await query(server.url, `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`)
    expect(await first).toContain('canceling statement due to user request')
  })
})

describe('a database that can not be gone on from', () => {
  it('is refused when it is newer than the program', async () => {
    await give('2_second', 'SELECT 1;')
    await apply()
    await rm(join(migrationsDir, '2_second'), { recursive: true })
    await expect(apply()).rejects.toThrow(
      "newer than the program, which doesn't know 2_second. Start the newer program",
    )
    expect(await pendingMigrations({ databaseUrl, migrationsDir })).toEqual({
      applied: ['1_first'],
      pending: [],
      unknown: ['2_second'],
    })
  })

  it('is refused after a migration that another tool left unfinished, until that is forgotten', async () => {
    await apply()
    await give('2_second', 'SELECT 1;')
    await query(
      databaseUrl,
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) VALUES ('x', '', '2_second', 'no space')`,
    )
    const refusal = await apply().catch((error: Error) => error.message)
    expect(refusal).toContain('The migration 2_second failed earlier, when it was run with another tool (no space).')
    await query(databaseUrl, /UPDATE .+ IS NULL/.exec(String(refusal))?.[0] ?? '')
    expect(await apply()).toEqual({ applied: ['2_second'] })
  })

  it('is refused when it holds tables of somebody else', async () => {
    await query(databaseUrl, 'CREATE TABLE theirs (n int)')
    await expect(apply()).rejects.toThrow(
      'The database already contains tables that do not belong to Signalbox. Set DATABASE_URL to a database of its own.',
    )
  })

  it('is refused when its PostgreSQL is too old', async () => {
    await using old = await servePostgresOfVersion('14.9')
    databaseUrl = `postgresql://user:secret@127.0.0.1:${old.port}/any`
    await expect(apply()).rejects.toThrow(
      `The database at 127.0.0.1:${old.port} is PostgreSQL 14.9, and Signalbox needs 15 or newer. Upgrade it`,
    )
  })
})

describe('an unusable database is reported with the reason and without the password', () => {
  const password = 'top-secret'

  it.each<[string, () => string, RegExp]>([
    [
      'nobody listens',
      () => urlWith({ port: '1', password }),
      /127\.0\.0\.1:1 can't be reached: .*ECONNREFUSED.*Start it/,
    ],
    [
      'an unknown host',
      () => `postgresql://a:${password}@no-such-host.invalid/b`,
      /no-such-host.invalid:5432 can't be reached/,
    ],
    [
      'a wrong password',
      () => urlWith({ password }),
      /refuses the password of the user signalbox\. Correct it in DATABASE_URL/,
    ],
    [
      'no password',
      () => urlWith({ password: '' }),
      /asks for a password of the user signalbox, and DATABASE_URL has none/,
    ],
    ['no such database', () => urlWith({ pathname: '/missing' }), /has no database missing\. Create it/],
    ['no address at all', () => `postgresql://a:${password}@b:c:d/e`, /DATABASE_URL is not an address of a PostgreSQL/],
  ])('%s', async (_name, url, sentence) => {
    databaseUrl = url()
    const message = await apply().then(
      () => 'it was used',
      (error: Error) => error.message,
    )
    expect(message).toMatch(sentence)
    expect(message).not.toContain(password)
  })
})
