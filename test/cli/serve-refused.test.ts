import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { freePort } from '#platform/system/free-port.ts'
import { findBarrier, isRoot, unprivilegedUser } from '#platform/system/system-user.ts'
import { run } from '#test/support/command-line.ts'
import { servePostgresOfVersion } from '#test/support/fake-postgres.ts'
import { mainFile } from '#test/support/process.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/server.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-refused-'))
  // Whom a test starts as another user has to pass.
  chmodSync(directory, 0o711)
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const password = 'top-secret'

/** Starts a server that is not to come up: it says one line, ends with 1, and leaves no process. Resolves with the line. */
async function refusal(env: Record<string, string>, user: { uid?: number; gid?: number } = {}): Promise<string> {
  const mark = randomUUID()
  const settings = { DATA_DIR: join(directory, 'data'), PORT: '0', LOG_FORMAT: 'json', LOG_LEVEL: 'trace', MARK: mark }
  const { code, stdout, stderr } = await run(['serve'], { cwd: '/', env: { ...settings, ...env }, ...user })
  expect(code).toBe(1)
  expect(stdout + stderr).not.toContain(password)
  expect(processesOf([mark, directory])).toEqual([])
  expect(stderr).toMatch(/^.+\n$/)
  return stderr.trimEnd()
}

/** Processes that carry one of the texts in their environment or on their command line. */
function processesOf(texts: readonly string[]): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .map((pid) => ['cmdline', 'environ'].map((file) => contentOf(`/proc/${pid}/${file}`)).join('\0'))
    .filter((content) => texts.some((text) => content.includes(text)))
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'latin1').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** The test run's database as another would name it. */
function database(change: { port?: string; password?: string; pathname?: string }): string {
  return Object.assign(new URL(inject('clusterUrl')), { password, ...change }).href
}

describe('a port that another program has', () => {
  it('is named, and the embedded database is stopped again', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const line = await refusal({ PORT: String(port) })
    other.close()
    expect(line).toBe(`127.0.0.1:${port} is in use by another program. Set PORT to a free one, or to 0 for any.`)
    expect(existsSync(join(directory, 'data', 'signalbox.lock'))).toBe(false)
  })
})

describe('an unusable database is reported without its password:', () => {
  it('nobody listens', async () => {
    const port = String(await freePort())
    expect(await refusal({ DATABASE_URL: database({ port }) })).toBe(
      `The database at 127.0.0.1:${port} can't be reached: connect ECONNREFUSED 127.0.0.1:${port}. ` +
        'Start it, or correct DATABASE_URL.',
    )
  })

  it('the password is wrong', async () => {
    const { port } = new URL(inject('clusterUrl'))
    expect(await refusal({ DATABASE_URL: database({}) })).toBe(
      `The database at 127.0.0.1:${port} refuses the password of the user signalbox. Correct it in DATABASE_URL.`,
    )
  })

  it('its PostgreSQL is too old', async () => {
    await using old = await servePostgresOfVersion('14.9')
    expect(await refusal({ DATABASE_URL: database({ port: String(old.port) }) })).toBe(
      `The database at 127.0.0.1:${old.port} is PostgreSQL 14.9, and Signalbox needs 15 or newer. ` +
        'Upgrade it, or leave DATABASE_URL unset to use the one that comes with Signalbox.',
    )
  })
})

describe('a configuration file', () => {
  let other: TestDatabase
  beforeAll(async () => {
    other = await createTestDatabase()
  })
  afterAll(() => other.drop())

  it.each([
    ['throws', "throw new Error('the moon is full')", "can't be loaded: Error: the moon is full"],
    [
      'has a syntax error',
      '\nexport default { commands: }',
      "can't be loaded: SyntaxError: Expression expected (line 2)",
    ],
    ['exports nonsense', 'export default 42', 'must export an object by default: export default { … }'],
    ['exports a list', 'export default []', 'must export an object by default: export default { … }'],
    ['says something impossible', 'export default { roots: 1 }', 'is refused: roots must be a list of directories.'],
  ])('that %s is named with the reason', async (what, text, reason) => {
    const file = join(directory, 'signalbox.config.ts')
    writeFileSync(file, text)
    // One of them ends the embedded database that starts meanwhile; the others have one that is there.
    const settings: Record<string, string> = what === 'throws' ? {} : { DATABASE_URL: other.url }
    expect(await refusal({ ...settings, SIGNALBOX_CONFIG: file })).toBe(`The configuration file ${file} ${reason}`)
  })
})

describe('a data directory', () => {
  it('that is a file is named', async () => {
    const file = join(directory, 'data')
    writeFileSync(file, '')
    expect(await refusal({})).toMatch(`The data directory ${file} can't be written (EEXIST: `)
  })

  it('that can’t be written is named', async (context) => {
    const user = await unprivilegedUser()
    if (isRoot()) {
      const barriers = await Promise.all([mainFile, process.execPath].map((file) => findBarrier(dirname(file), user)))
      const barrier = barriers.find((one) => one !== undefined)
      context.skip(barrier !== undefined, `${barrier} keeps the user ${user.name} from the program`)
    }
    mkdirSync(join(directory, 'data'), { mode: 0o555 })
    const line = await refusal({}, isRoot() ? user : {})
    expect(line).toMatch(`The data directory ${join(directory, 'data')} can't be written (EACCES: `)
  })
})
