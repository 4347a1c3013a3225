import { execFile } from 'node:child_process'
import { access, readdir, readFile, readlink, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { StartupError } from '#lib/errors.ts'
import { isPidAlive } from '#platform/system/process-identity.ts'
import type { Logger } from '#platform/telemetry/log.ts'

const run = promisify(execFile)

/** How each request to end is put, and how long it is given. A fast shutdown writes a checkpoint first. */
const requests = [
  { signal: 'SIGINT', patienceMs: 30_000 },
  { signal: 'SIGQUIT', patienceMs: 5_000 },
  { signal: 'SIGKILL', patienceMs: 5_000 },
] as const

/**
 * Ends the PostgreSQL that an earlier server left running on this cluster, and removes its pid file when the number in
 * it now belongs to an unrelated process. Only for who holds the data directory's lock: it proves that the earlier
 * server is gone.
 * @throws {StartupError} when it doesn't end.
 */
export async function stopOrphans(clusterDir: string, log: Logger): Promise<void> {
  const pidFile = join(clusterDir, 'postmaster.pid')
  if (!(await exists(pidFile))) return
  const postmaster = await readPid(pidFile)
  const directory = await realpath(clusterDir)
  if (postmaster !== undefined && (await worksOn(postmaster, directory))) {
    log.warn({ pid: postmaster }, 'stopping the PostgreSQL that an earlier server left running')
    await end(postmaster, directory)
  }
  for (const pid of await processesOn(directory)) await end(pid, directory)
  // PostgreSQL itself would take any living process of that number for a postmaster, and an empty file, such as a power
  // cut leaves, for one that is starting; and refuse to start.
  if (postmaster === undefined || isPidAlive(postmaster)) await rm(pidFile, { force: true })
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}

/** Undefined when the file holds none, because its writing was cut short. */
async function readPid(pidFile: string): Promise<number | undefined> {
  const text = await readFile(pidFile, 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined
}

async function end(pid: number, directory: string): Promise<void> {
  for (const { signal, patienceMs } of requests) {
    const deadline = Date.now() + patienceMs
    if (!(await worksOn(pid, directory))) return
    send(pid, signal)
    while (Date.now() < deadline) {
      if (!(await worksOn(pid, directory))) return
      await sleep(10)
    }
  }
  throw new StartupError(
    `The PostgreSQL of an earlier server (process ${pid}) still runs on ${directory} and doesn't end, not even when killed. ` +
      'End that process, and start again.',
  )
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // It may have exited already; that is checked next.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Whether the process is a PostgreSQL of this cluster. */
async function worksOn(pid: number, directory: string): Promise<boolean> {
  if (!isPidAlive(pid)) return false
  // Without /proc only a postmaster can be told, by the directory on its command line.
  if (process.platform !== 'linux') return (await commandOf(pid)).includes(directory)
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
  const workplace = await readlink(`/proc/${pid}/cwd`).catch(() => '')
  return name.trim() === 'postgres' && workplace === directory
}

/** What else of the cluster still runs, such as a long query whose postmaster was killed. Known on Linux only. */
async function processesOn(directory: string): Promise<number[]> {
  if (process.platform !== 'linux') return []
  const pids = (await readdir('/proc')).map(Number).filter(Number.isSafeInteger)
  const found = await Promise.all(pids.map(async (pid) => ((await worksOn(pid, directory)) ? [pid] : [])))
  return found.flat()
}

async function commandOf(pid: number): Promise<string> {
  const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }))
  return stdout
}
