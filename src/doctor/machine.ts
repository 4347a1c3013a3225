import { execFile } from 'node:child_process'
import { access, constants, readdir, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { chooseTaskUser } from '#domain/tasks/runner/task-user.ts'
import { lookForSecretKey } from '#platform/secrets/secret-key.ts'
import { cpuSharing } from '#platform/system/cpu-priority.ts'
import { isRoot } from '#platform/system/system-user.ts'
import { mustNotOwnDatabase, projectBarrier } from '#src/app/task-user.ts'
import type { Config } from '#src/config.ts'
import { loadProjectConfig } from '#src/project/config-file.ts'
import { loadProject } from '#src/project.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

const run = promisify(execFile)

type Found = Promise<Omit<Finding, 'check'>>

const oldestNode = 24
const lowSpaceBytes = 1e9
const noSpaceBytes = 1e8
/** Files in the data directory that nobody else may read. */
const secretFiles = /password|secret|key/

export async function examineNode(): Found {
  const { node } = process.versions
  if (Number.parseInt(node, 10) >= oldestNode) return ok(`Node.js ${node}.`)
  return problem(
    `Node.js ${node} is too old.`,
    `Use ${oldestNode} or newer: npm scripts bring their own, or install one.`,
  )
}

/** Whether tasks of the type `repository.inspect` can run. */
export async function examineGit(): Found {
  try {
    const { stdout } = await run('git', ['--version'], { timeout: 3_000 })
    return ok(`${stdout.trim()}.`)
  } catch {
    return warning('git is not installed, so tasks of the type repository.inspect fail.', 'Install git.')
  }
}

/** The configuration file: its task types, commands, hooks with their secrets, and trust rules. */
export async function examineConfigFile(config: Config): Found {
  const { file, types, hooks } = await loadProject(config)
  const counts = [
    counted(types.list().length, 'task type'),
    counted(Object.keys(file.commands).length, 'command'),
    ...(hooks.length > 0 ? [counted(hooks.length, 'hook')] : []),
    ...(file.trust.length > 0 ? [counted(file.trust.length, 'trust rule')] : []),
  ]
  return ok(`${file.file ?? 'No configuration file'}: ${counts.join(', ')}.`)
}

/** The operations of PERSISTED_OPERATIONS. The schema is loaded only for them. */
export async function examinePersistedOperations(config: Config): Found {
  const { findPersistedOperations } = await import('#src/app/persisted-operations.ts')
  await findPersistedOperations(config)
  return ok(`${config.persistedOperations}: all operations are valid.`)
}

/** As whom tasks run, and what that keeps from them. */
export async function examineTaskUser(config: Config): Found {
  const { configFile, workingDirectory, taskUser: setting, roles } = config
  if (!roles.worker) return ok('This process runs no tasks.')
  const { taskUser, warning: refusal } = await chooseTaskUser(setting)
  await mustNotOwnDatabase(config, taskUser)
  if (taskUser.kind === 'server') return examineOwnUser(refusal)
  const project = await loadProjectConfig({ file: configFile, cwd: workingDirectory })
  const barrier = await projectBarrier(project, taskUser)
  if (barrier !== undefined) return warning(barrier)
  return taskUser.kind === 'own'
    ? ok('Each task runs as a user of its own.')
    : ok(`Tasks run as the user ${taskUser.user.name ?? taskUser.user.uid}, and can reach one another.`)
}

function examineOwnUser(refusal: string | undefined): Awaited<Found> {
  if (refusal !== undefined) return warning(refusal)
  return isRoot()
    ? warning('Tasks run as root, and can read everything on this machine.', 'Unset TASK_USER.')
    : ok('Tasks run as the server’s user, and can read what it can.')
}

/** Whether BATCH tasks give way where the CPU does not suffice for all. */
export async function examineCpu(): Found {
  const sharing = await cpuSharing()
  if (sharing !== 'unweighted sessions')
    return ok(`BATCH tasks yield the CPU to everything else, by the weights of ${sharing}.`)
  return warning(
    'BATCH tasks get as much of the CPU as the server, the database and CRITICAL tasks: the system divides it between sessions, and /proc/<pid>/autogroup, which holds their weights, cannot be written.',
    'Make /proc writable, or set kernel.sched_autogroup_enabled=0.',
  )
}

export async function examineDataDir({ dataDir, secretKey }: Config): Found {
  const found = await stat(dataDir).catch(() => undefined)
  if (found === undefined) return examineParent(dataDir)
  if (!found.isDirectory()) return problem(`${dataDir} is not a directory.`, 'Set DATA_DIR to one.')
  if (!(await isWritable(dataDir)))
    return problem(`${dataDir} can't be written by this user.`, `Allow it, or set DATA_DIR to another directory.`)
  const uid = process.getuid?.()
  if (uid !== undefined && found.uid !== uid)
    return warning(
      `${dataDir} belongs to the user ${found.uid}, but the current user is ${uid}.`,
      'Run everything as one user.',
    )
  const open = await openSecrets(dataDir)
  if (open.length > 0) return problem(`Others may read ${open.join(', ')}.`, `chmod 600 ${open.join(' ')}`)
  await lookForSecretKey(secretKey, dataDir)
  if ((found.mode & 0o066) !== 0) return warning(`Others may read ${dataDir}.`, `chmod go-rw ${dataDir}`)
  return ok(`${dataDir} is writable, and closed to others.`)
}

async function examineParent(dataDir: string): Found {
  const parent = await existingAncestor(dataDir)
  if (await isWritable(parent)) return ok(`${dataDir} is not there yet; the first start makes it.`)
  return problem(
    `${dataDir} can't be made: ${parent} is not writable by this user.`,
    'Set DATA_DIR to another directory.',
  )
}

async function openSecrets(dataDir: string): Promise<string[]> {
  const names = (await readdir(dataDir)).filter((name) => secretFiles.test(name))
  const modes = await Promise.all(names.map(async (name) => (await stat(join(dataDir, name))).mode))
  return names.filter((_name, index) => ((modes[index] ?? 0) & 0o077) !== 0).map((name) => join(dataDir, name))
}

/** The space that is left for what is kept in these directories. */
export async function examineDisk(directories: readonly string[]): Found {
  const spaces = await Promise.all(directories.map(freeBytes))
  const [least] = spaces.sort((one, other) => one.bytes - other.bytes)
  if (least === undefined) return ok('Nothing is kept here.')
  const text = `${(least.bytes / 1e9).toFixed(1)} GB are free at ${least.directory}`
  if (least.bytes < noSpaceBytes) return problem(`${text}: the database is about to stop.`, 'Free some space.')
  return least.bytes < lowSpaceBytes
    ? warning(`${text}.`, 'Free some space, or shorten the retention: see the retention variables.')
    : ok(`${text}.`)
}

async function freeBytes(directory: string): Promise<{ directory: string; bytes: number }> {
  const { bavail, bsize } = await statfs(await existingAncestor(directory))
  return { directory, bytes: bavail * bsize }
}

async function existingAncestor(path: string): Promise<string> {
  let existing = path
  while (!(await stat(existing).catch(() => undefined)) && existing !== dirname(existing)) existing = dirname(existing)
  return existing
}

function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
