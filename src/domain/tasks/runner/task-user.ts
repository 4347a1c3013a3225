import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { StartupError } from '#lib/errors.ts'
import { findUser, isRoot, type SystemUser } from '#platform/system/system-user.ts'

/**
 * As whom the processes of attempts run: as the server; all as one other user; or each attempt as a user of its own,
 * without an account, so that attempts cannot reach one another either, and everything of one can be ended for certain.
 */
export type TaskUser =
  | { readonly kind: 'server' }
  | { readonly kind: 'shared'; readonly user: SystemUser }
  | { readonly kind: 'own' }

/** As whom one attempt's processes run. */
export interface AttemptUser {
  readonly uid: number
  readonly gid: number
  /** Of the account whose further groups they have; undefined: they have none. */
  readonly account?: string
}

/**
 * Far from all that systems give out (systemd leaves 1,879,048,192 to 2,147,352,575 unused). The process id of the
 * attempt's first process is added, which no other living process of this system has; it has 22 bits at most.
 */
const firstOwnUid = 1_900_000_000
const ownUids = 2 ** 22

/** As whom an attempt runs whose first process has that id; undefined: as the server. */
export function attemptUser(taskUser: TaskUser, pid: number): AttemptUser | undefined {
  if (taskUser.kind === 'server') return undefined
  if (taskUser.kind === 'own') return { uid: firstOwnUid + pid, gid: firstOwnUid + pid }
  const { uid, gid, name } = taskUser.user
  return { uid, gid, ...(name !== undefined && { account: name }) }
}

/** The process id that an own user comes from; undefined for any other user. */
export function ownerOf(uid: number): number | undefined {
  return uid > firstOwnUid && uid < firstOwnUid + ownUids ? uid - firstOwnUid : undefined
}

/** What decides about the paths that attempts can pass. */
export function representative(taskUser: TaskUser): SystemUser | undefined {
  if (taskUser.kind === 'server') return undefined
  return taskUser.kind === 'shared' ? taskUser.user : { name: undefined, uid: firstOwnUid, gid: firstOwnUid }
}

/** What was chosen, and what the operator should know about it. */
export interface ChosenUser {
  readonly taskUser: TaskUser
  readonly warning?: string
}

/**
 * As whom attempts run on this system. Without a setting: each as a user of its own where the server runs as root and
 * the system permits it, else as the server.
 * @throws {StartupError} when the setting names a user that attempts can't run as.
 */
export async function chooseTaskUser(setting: string | undefined): Promise<ChosenUser> {
  if (setting === undefined) return isRoot() ? ownUsers() : { taskUser: { kind: 'server' } }
  const user = await findUser(setting)
  if (user === undefined)
    throw new StartupError(`TASK_USER: must be the name or number of a user of this system; it is "${setting}".`)
  if (user.uid === process.getuid?.()) return { taskUser: { kind: 'server' } }
  if (!isRoot())
    throw new StartupError(
      `TASK_USER: only root can run tasks as another user, and this is the user ${process.getuid?.()}. ` +
        'Unset TASK_USER, or start the server as root.',
    )
  const reason = refusalOf(user)
  if (reason !== undefined) throw new StartupError(`TASK_USER: tasks can't run as "${setting}" here (${reason}).`)
  return { taskUser: { kind: 'shared', user } }
}

function ownUsers(): ChosenUser {
  const reason = refusalOf({ uid: firstOwnUid, gid: firstOwnUid })
  if (reason === undefined) return { taskUser: { kind: 'own' } }
  const warning =
    `Tasks run as root and can read everything of the server, since users of their own are refused here (${reason}). ` +
    'Set TASK_USER to a user that this system permits.'
  return { taskUser: { kind: 'server' }, warning }
}

/** Why a process can't become that user, such as EPERM in a container without the right to; undefined when it can. */
function refusalOf({ uid, gid }: AttemptUser): string | undefined {
  const { error } = spawnSync('/bin/sh', ['-c', ':'], { uid, gid, cwd: '/', env: {}, stdio: 'ignore' })
  return error === undefined ? undefined : ((error as NodeJS.ErrnoException).code ?? error.message)
}

/** Node has it, its types don't: https://nodejs.org/api/process.html#processinitgroupsuser-extragroup */
type WithGroups = { initgroups?(user: string, extraGroup: number): void }

/** Gives up this process's rights for those of the user, for good. */
export function becomeUser({ uid, gid, account }: AttemptUser): void {
  if (account === undefined) process.setgroups?.([])
  else (process as WithGroups).initgroups?.(account, gid)
  process.setgid?.(gid)
  process.setuid?.(uid)
}

/** Kills every other process of this process's user, when that is an attempt's own; no process can fork away from it. */
export function killOwnUser(): void {
  const uid = process.getuid?.() ?? 0
  // To root, -1 means every process of the machine.
  if (ownerOf(uid) === undefined || process.geteuid?.() !== uid) return
  try {
    process.kill(-1, 'SIGKILL')
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** Kills every process of an attempt's own user at once, from outside; no process can fork away from it. */
export async function killUser(uid: number): Promise<void> {
  if (ownerOf(uid) === undefined) return
  const killer: ChildProcess = spawn('/bin/sh', ['-c', 'kill -KILL -1'], {
    uid,
    gid: uid,
    cwd: '/',
    env: {},
    stdio: 'ignore',
  })
  // Where no process can be started now, those of the user are still killed one by one.
  await once(killer, 'exit').catch(() => undefined)
}
