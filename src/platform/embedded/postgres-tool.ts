import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { StartupError } from '#lib/errors.ts'
import type { SystemUser } from '#platform/system/system-user.ts'
import { PostgresOutput } from './postgres-output.ts'

/** What every program of PostgreSQL is started with: nothing of our environment, which may hold secrets. */
export function postgresSpawnOptions(directory: string, user: SystemUser | undefined) {
  const { SystemRoot } = process.env
  return {
    cwd: directory,
    // PostgreSQL's messages are matched by their English words.
    env: { LC_ALL: 'C', TZ: 'UTC', ...(SystemRoot === undefined ? {} : { SystemRoot }) },
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  }
}

/** Runs a program of PostgreSQL to its end. @throws {StartupError} with the first complaint it printed, when it fails. */
export async function runPostgresTool(options: {
  readonly program: string
  readonly arguments: readonly string[]
  readonly directory: string
  readonly user: SystemUser | undefined
  readonly input?: string
  /** What the run is for, such as `The database can't be created in /data`. */
  readonly complaint: string
}): Promise<void> {
  const child = spawn(options.program, options.arguments, postgresSpawnOptions(options.directory, options.user))
  const output = new PostgresOutput()
  output.follow(child.stdout)
  output.follow(child.stderr)
  // A program that ends early closes its input; what it says then is on its output.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  await started(child, options.program)
  await Promise.all([once(child, 'exit'), finished(child.stdout), finished(child.stderr)])
  // PostgreSQL's single-user mode ends with 0 also after a statement that failed.
  if (child.exitCode === 0 && !output.includes('ERROR:')) return
  throw new StartupError(`${options.complaint}: ${output.firstComplaint}.`)
}

/** Waits until the operating system has started a program. @throws {StartupError} when it can't. */
export async function started(child: ChildProcess, program: string): Promise<void> {
  try {
    await once(child, 'spawn')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new StartupError(
      `PostgreSQL's program ${program} can't be run here (${code}). Install Signalbox where its files can be executed ` +
        '(on Linux the C library has to be glibc), or set DATABASE_URL to a PostgreSQL that runs elsewhere.',
      { cause: error },
    )
  }
}
