import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { EmbeddedDatabase } from '#platform/embedded/embedded-database.ts'
import {
  endProcess,
  type HeldDatabase,
  holdDatabase,
  isAlive,
  isLinux,
  makeDirectory,
  postmasterOf,
  query,
  removeDirectory,
  startIn,
  until,
} from '#test/support/embedded.ts'

let directory: string
let cluster: string
let running: EmbeddedDatabase | undefined
let held: HeldDatabase | undefined

beforeAll(async () => {
  directory = await makeDirectory()
  cluster = join(directory, 'data', 'postgres')
})

afterEach(async () => {
  if (held !== undefined) await endProcess(held)
  await running?.stop()
  held = undefined
  running = undefined
})

afterAll(() => removeDirectory(directory))

async function start(onExit?: (reason: string) => void): Promise<EmbeddedDatabase> {
  running = await startIn(directory, onExit)
  return running
}

async function hold(env: Record<string, string> = {}): Promise<HeldDatabase> {
  held = await holdDatabase(directory, { env: { ...process.env, ...env } })
  return held
}

describe('a start', () => {
  it('creates a PostgreSQL 18 with a database that belongs to an ordinary role', async () => {
    const { url, version } = await start()
    expect(version).toMatch(/^18\./)
    const [role] = await query(
      url,
      `SELECT current_database() AS database, rolname AS role, rolsuper AS super, datcollate AS "collate",
              pg_encoding_to_char(encoding) AS encoding, datlocprovider AS provider, datlocale AS locale
         FROM pg_roles JOIN pg_database ON datdba = pg_roles.oid WHERE datname = current_database()`,
    )
    expect(role).toEqual({
      database: 'signalbox',
      role: 'signalbox',
      super: false,
      collate: 'C',
      encoding: 'UTF8',
      provider: 'b',
      locale: 'C.UTF-8',
    })
  })

  it('listens on loopback only, on a port of its own', async () => {
    const { url } = await start()
    expect(new URL(url).port).not.toBe('5432')
    expect(await query(url, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }])
  })

  it('keeps what was committed, and writes it through', async () => {
    const first = await start()
    await query(first.url, 'CREATE TABLE kept (n int)', 'INSERT INTO kept VALUES (1)')
    await first.stop()
    const second = await start()
    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
    expect(await query(second.url, 'SHOW fsync')).toEqual([{ fsync: 'on' }])
  })

  it('refuses connections without the password, which only its owner can read', async () => {
    const { url } = await start()
    const file = join(directory, 'data', 'postgres-password')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const { password, port } = new URL(url)
    expect((await readFile(file, 'utf8')).trim()).toBe(password)
    const address = `127.0.0.1:${port}/signalbox`
    await expect(query(`postgresql://signalbox:wrong@${address}`, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
    await expect(query(`postgresql://postgres:${password}@${address}`, 'SELECT 1')).rejects.toMatchObject({
      code: '28P01',
    })
  })

  it('makes a new password when the file was lost', async () => {
    const lost = await start()
    await lost.stop()
    await writeFile(join(directory, 'data', 'postgres-password'), '')
    const found = await start()
    expect(new URL(found.url).password).not.toBe(new URL(lost.url).password)
    expect(await query(found.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})

describe.runIf(isLinux)('the process', () => {
  it('gets nothing of the environment, and no terminal signal', async () => {
    await hold({ SECRET_KEY: 'do-not-tell' })
    const pid = await postmasterOf(cluster)
    expect(await readFile(`/proc/${pid}/environ`, 'utf8')).not.toContain('do-not-tell')
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ')
    expect({ group: fields[4], session: fields[5] }).toEqual({ group: String(pid), session: String(pid) })
  })
})

describe('a data directory in use', () => {
  it('is refused to another process, and to this one', async () => {
    await start()
    const sentence =
      /^The data directory .+ is in use by another Signalbox server \(process \d+ on .+\)\. Stop that one/
    expect((await hold()).firstLine).toMatch(sentence)
    await expect(startIn(directory)).rejects.toThrow(sentence)
  })

  it('goes to one of several that start at once', async () => {
    const starts = await Promise.allSettled([startIn(directory), startIn(directory), startIn(directory)])
    const started = starts.filter((one) => one.status === 'fulfilled')
    const refused = starts.filter((one) => one.status === 'rejected')
    await Promise.all(started.map((one) => one.value.stop()))
    expect(started).toHaveLength(1)
    expect(refused.map((one) => one.reason.code)).toEqual(['STARTUP_FAILED', 'STARTUP_FAILED'])
  })
})

describe('after kill -9', () => {
  it('of the server, its PostgreSQL is stopped and all that was committed is there', async () => {
    const orphaned = await hold()
    await query(orphaned.firstLine, 'CREATE TABLE server_killed (n int)', 'INSERT INTO server_killed VALUES (1)')
    const orphan = await postmasterOf(cluster)
    await endProcess(orphaned, 'SIGKILL')
    expect(isAlive(orphan)).toBe(true)
    const { url } = await start()
    // Ended, it may still wait for the init process to take note.
    await until(() => !isAlive(orphan))
    expect(await query(url, 'SELECT n FROM server_killed')).toEqual([{ n: 1 }])
  })

  it('of PostgreSQL is reported to the server, and the next start recovers', async () => {
    const exit = Promise.withResolvers<string>()
    const first = await start(exit.resolve)
    await query(first.url, 'CREATE TABLE postgres_killed (n int)', 'INSERT INTO postgres_killed VALUES (1)')
    process.kill(await postmasterOf(cluster), 'SIGKILL')
    expect(await exit.promise).toMatch(/^PostgreSQL ended unexpectedly by SIGKILL; it last said: /)
    await first.stop()
    const { url } = await start()
    expect(await query(url, 'SELECT n FROM postgres_killed')).toEqual([{ n: 1 }])
  })

  it('of both, with a query still running, the next start recovers', async () => {
    const killed = await hold()
    await query(killed.firstLine, 'CREATE TABLE both_killed (n int)', 'INSERT INTO both_killed VALUES (1)')
    // Busy in a loop, it doesn't notice that its postmaster is gone, and keeps the shared memory.
    const busy = query(killed.firstLine, 'DO $$ BEGIN LOOP END LOOP; END $$').catch(() => undefined)
    const isBusy = `SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %'`
    await until(async () => (await query(killed.firstLine, isBusy)).length === 1)
    const postmaster = await postmasterOf(cluster)
    await endProcess(killed, 'SIGKILL')
    process.kill(postmaster, 'SIGKILL')
    await until(() => !isAlive(postmaster))
    const { url } = await start()
    await busy
    expect(await query(url, 'SELECT n FROM both_killed')).toEqual([{ n: 1 }])
  })

  it('ignores a pid file that names an unrelated process, and leaves that process alone', async () => {
    const first = await start()
    const pidFile = join(cluster, 'postmaster.pid')
    const left = await readFile(pidFile, 'utf8')
    await first.stop()
    await writeFile(pidFile, left.replace(/^\d+/, String(process.pid)))
    const { url } = await start()
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  it.each([
    ['is empty', ''],
    ['holds something else', 'no number\n'],
  ])('a pid file that %s does not stop it', async (_, text) => {
    const first = await start()
    await first.stop()
    await writeFile(join(cluster, 'postmaster.pid'), text)
    const { url } = await start()
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})

it('is distinguished from a start that fails: PostgreSQL says why', async () => {
  const first = await start()
  await first.stop()
  const file = join(cluster, 'postgresql.conf')
  const before = await readFile(file, 'utf8')
  await writeFile(file, 'no_such_setting = 1\n')
  await expect(startIn(directory)).rejects.toThrow(
    /^The database in .+ does not start: configuration file ".+" contains errors\.$/,
  )
  await writeFile(file, before)
  await expect(start()).resolves.toBeDefined()
})
