import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '#platform/system/free-port.ts'
import { type Run, records, run, start } from '#test/support/command-line.ts'
import { databaseUrl } from '#test/support/database-url.ts'
import { createTestDatabase, ownerToken, type TestDatabase } from '#test/support/server.ts'

let database: TestDatabase
let dataDir: string
const started: Run[] = []
beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-serve-'))
})
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
})
afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

function serve(env: Record<string, string> = {}, args: readonly string[] = []): Run {
  const server = start(['serve', ...args], {
    env: { DATABASE_URL: database.url, DATA_DIR: dataDir, PORT: '0', LOG_FORMAT: 'json', ...env },
  })
  started.push(server)
  return server
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/cli/${name}`, import.meta.url))
}

describe('a first start that fails', () => {
  it('leaves the token to the next one', async () => {
    const empty = await createTestDatabase()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const failed = serve({ DATABASE_URL: empty.url, PORT: String((other.address() as AddressInfo).port) })
    expect(await failed.ended).toBe(1)
    other.close()
    const next = serve({ DATABASE_URL: empty.url })
    await next.says('\ntry ', 'stderr')
    expect(next.stderr()).toContain(`${join(dataDir, 'owner-token')}\n`)
    next.child.kill('SIGTERM')
    await next.ended
    await empty.drop()
  })
})

describe('serve', () => {
  it('says in five lines what has started, with the owner’s token at the first start only', async () => {
    const first = serve()
    await first.says('\ntry ', 'stderr')
    const banner = first.stderr()
    expect(
      banner
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(['Signalbox', 'token', 'database', 'data', 'try'])
    // A log collector may keep what isn't printed to a terminal.
    const file = join(dataDir, 'owner-token')
    const token = (await readFile(file, 'utf8')).trim()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(banner).not.toContain(token)
    expect(banner).toMatch(new RegExp(`^token +${file}$`, 'm'))
    const [url = ''] = /http:\S+/.exec(banner) ?? []
    expect(banner).toContain(`SIGNALBOX_URL=${url} SIGNALBOX_TOKEN="$(cat '${file}')" `)
    const viewer = await run(['viewer', '--json'], { env: { SIGNALBOX_URL: url, SIGNALBOX_TOKEN: token } })
    expect(JSON.parse(viewer.stdout)).toMatchObject({ role: 'OWNER' })
    first.child.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    // What is logged is JSON throughout, and never holds the token.
    expect(records(first.stdout()).length).toBeGreaterThan(0)
    expect(first.stdout()).not.toContain(token)

    const second = serve()
    await second.says('\ntry ', 'stderr')
    expect(second.stderr()).toMatch(new RegExp(`^token +${file}$`, 'm'))
    expect(second.stderr()).toContain(` SIGNALBOX_TOKEN="$(cat '${file}')" `)
    second.child.kill('SIGHUP')
    expect(await second.ended).toBe(0)

    // What is in the file stays the owner's token, or is not named.
    const reset = await run(['token', 'reset-owner'], { env: { DATABASE_URL: database.url, DATA_DIR: dataDir } })
    expect(reset.stderr).toBe(`The owner's earlier token is not accepted from now on.\n${file} has the new one.\n`)
    expect([(await readFile(file, 'utf8')).trim(), (await stat(file)).mode & 0o777]).toEqual([
      reset.stdout.trim(),
      0o600,
    ])
    await database.query('UPDATE application_token SET revoked_at = now() WHERE revoked_at IS NULL')
    const third = serve()
    await third.says('\ntry ', 'stderr')
    expect(third.stderr()).toMatch(/^token +as at the first start; replace it with: .* token reset-owner$/m)
    third.child.kill('SIGHUP')
    expect(await third.ended).toBe(0)
  }, 30_000)

  it('proposes no command where it serves no API', async () => {
    const worker = serve({ ROLES: 'worker' })
    await worker.says('\ndata ', 'stderr')
    worker.child.kill('SIGTERM')
    expect(await worker.ended).toBe(0)
    expect(worker.stderr()).not.toMatch(/^try /m)
  })

  it('takes a signal that comes twice at once for one', async () => {
    const server = serve()
    await server.says('\ntry ', 'stderr')
    server.child.kill('SIGINT')
    server.child.kill('SIGINT')
    expect(await server.ended).toBe(0)
    expect(server.stdout()).toContain('"msg":"stopped"')
  })

  it('ends at once at a second signal', async () => {
    const own = await createTestDatabase()
    try {
      const server = serve({ DATABASE_URL: own.url, BOOTSTRAP_TOKEN: ownerToken, SHUTDOWN_TIMEOUT_MS: '60000' })
      await server.says('\ntry ', 'stderr')
      const [url = ''] = /http:\S+/.exec(server.stderr()) ?? []
      const env = { SIGNALBOX_URL: url, SIGNALBOX_TOKEN: ownerToken }
      const watching = start(['task', 'submit', 'probe', '--set', 'durationMs=60000', '--watch'], { env })
      await watching.says('running')
      server.child.kill('SIGTERM')
      await server.says('stopping')
      const again = setInterval(() => server.child.kill('SIGTERM'), 100)
      expect(await server.ended).toBe(143)
      clearInterval(again)
      watching.child.kill('SIGTERM')
      expect(await watching.ended).toBe(143)
    } finally {
      await own.drop()
    }
  })

  it('says everything that is wrong with the configuration, and ends with 1', async () => {
    const server = serve({ PORT: '70000', ROLES: 'cook' })
    expect(await server.ended).toBe(1)
    expect(server.stderr()).toMatch(/^The configuration is not valid:\n {2}PORT: .+\n {2}ROLES: .+\n$/)
  })

  it('logs an error that nobody caught with its stack, stops in order, and ends with 70', async () => {
    const server = serve({}, ['--config', fixture('throws-later.config.ts')])
    expect(await server.ended).toBe(70)
    const fatal = records(server.stdout()).find(({ level }) => level === 'fatal')
    expect(fatal).toMatchObject({
      err: { message: 'nobody catches this', stack: expect.stringContaining('throws-later') },
    })
  })
})

describe('migrate', () => {
  it('applies what is missing and says so, then that nothing is', async () => {
    const name = `migrate_${Date.now()}`
    await database.query(`CREATE DATABASE ${name}`)
    const env = { DATABASE_URL: databaseUrl(database.url, name), DATA_DIR: dataDir }
    const first = await run(['migrate', '--json'], { env })
    expect(JSON.parse(first.stdout)).toEqual({
      database: 'at DATABASE_URL',
      applied: expect.arrayContaining([expect.any(String)]),
    })
    expect((await run(['migrate'], { env })).stdout).toBe('The database (at DATABASE_URL) is up to date.\n')
    await database.query(`DROP DATABASE ${name} WITH (FORCE)`)
  })

  it('says why it can’t, and ends with 1', async () => {
    const env = { DATABASE_URL: `postgresql://nobody@127.0.0.1:${await freePort()}/none`, DATA_DIR: dataDir }
    expect(await run(['migrate'], { env })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("can't be reached"),
    })
  })
})
