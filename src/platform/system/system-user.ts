import type { Stats } from 'node:fs'
import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { StartupError } from '#lib/errors.ts'

/** A user of the operating system that a program can be run as. */
export interface SystemUser {
  /** Undefined for a number without an account. */
  readonly name: string | undefined
  readonly uid: number
  readonly gid: number
}

export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** The user that PostgreSQL runs as when this process is root: `postgres` where there is one, else `nobody`. */
export async function unprivilegedUser(): Promise<SystemUser> {
  const accounts = await readAccounts()
  for (const wanted of ['postgres', '_postgres', 'nobody']) {
    const found = accounts.find(({ name }) => name === wanted)
    if (found !== undefined) return found
  }
  throw new StartupError(
    'PostgreSQL refuses to run as root, and this machine has neither a user postgres nor nobody to run it as. ' +
      'Start Signalbox as an ordinary user, or set DATABASE_URL to a PostgreSQL that runs elsewhere.',
  )
}

/** The user of that name or number; a number needs no account. Undefined when there is no account of that name. */
export async function findUser(nameOrNumber: string): Promise<SystemUser | undefined> {
  const accounts = await readAccounts()
  if (!/^\d+$/.test(nameOrNumber)) return accounts.find(({ name }) => name === nameOrNumber)
  const uid = Number(nameOrNumber)
  return accounts.find((account) => account.uid === uid) ?? { name: undefined, uid, gid: uid }
}

async function readAccounts(): Promise<SystemUser[]> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  return lines.flatMap(([name, , uid, gid]) =>
    name === undefined || gid === undefined ? [] : [{ name, uid: Number(uid), gid: Number(gid) }],
  )
}

/**
 * The first file or directory on the way to a path, itself included, that the user may not read and pass; undefined
 * when the way is free. A path that doesn't exist yet is not a barrier.
 */
export async function findBarrier(path: string, user: SystemUser): Promise<string | undefined> {
  for (const step of await stepsTo(path)) {
    if (!isPassable(await stat(step), user)) return step
  }
  return undefined
}

/** Every existing directory from the root down to the path, with symbolic links followed. */
async function stepsTo(path: string): Promise<string[]> {
  let existing = resolve(path)
  while (!(await stat(existing).catch(() => undefined))) existing = dirname(existing)
  const steps = [await realpath(existing)]
  for (let [step = ''] = steps; step !== dirname(step); step = steps[0] ?? '') steps.unshift(dirname(step))
  return steps
}

function isPassable({ mode, uid, gid }: Stats, user: SystemUser): boolean {
  if (uid === user.uid) return (mode & 0o100) !== 0
  if (gid === user.gid) return (mode & 0o010) !== 0
  return (mode & 0o001) !== 0
}
