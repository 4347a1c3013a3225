import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { embeddedName, ensureCluster } from '#platform/database/embedded-cluster.ts'
import { locateCluster } from '#platform/database/embedded-location.ts'
import { findProgram } from '#platform/database/embedded-program.ts'
import { freePort } from '#platform/database/free-port.ts'
import { postgresSpawnOptions } from '#platform/database/postgres-tool.ts'
import { sharedPlaces } from '#platform/database/shared-place.ts'
import { createLog } from '#platform/telemetry/log.ts'

/** A PostgreSQL of a test's own, at an address that stays; not one that a Signalbox server has started. */
export interface Cluster {
  readonly url: string
  /** Starts it anew, whatever has become of it; resolves when it takes connections. */
  start(): Promise<void>
  /** Ends it as a power cut would. */
  kill(): Promise<void>
  /** Lets all its processes stand still, or go on: connections stay, and nobody answers. */
  freeze(): void
  thaw(): void
  /** Ends it, and removes its files. */
  remove(): Promise<void>
}

export async function createCluster(): Promise<Cluster> {
  const log = createLog({ level: 'error', format: 'json' })
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-cluster-'))
  // As root the database runs as another user, who has to pass.
  await chmod(dataDir, 0o711)
  const location = await locateCluster(dataDir, sharedPlaces)
  const program = await findProgram({ user: location.user, sharedPlaces, log })
  const password = await ensureCluster(location, program, join(dataDir, 'postgres-password'))
  const port = await freePort()
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '' }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  let postmaster: ChildProcess | undefined

  /** Whether it takes connections; not while a process of one that was killed still holds its memory. */
  async function tryToStart(): Promise<boolean> {
    const child = spawn(program.postgres, ['-D', location.clusterDir, ...flags], {
      ...postgresSpawnOptions(location.clusterDir, location.user),
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    })
    postmaster = child
    const isReady = await saysThatItIsReady(child.stderr)
    child.stderr.resume()
    return isReady
  }

  function signalAll(signal: NodeJS.Signals): void {
    const pid = postmaster?.pid
    if (pid !== undefined) send(signal, [pid, ...childrenOf(pid)])
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const child = postmaster
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const children = childrenOf(child.pid)
    child.kill(signal)
    // A power cut leaves nobody: otherwise a child answers until it notices that it is alone.
    if (signal === 'SIGKILL') send(signal, children)
    // Who stands still notices nothing, and would be there for ever.
    send('SIGCONT', [child.pid, ...children])
    await once(child, 'exit')
  }

  return {
    url: `postgresql://${embeddedName}:${password}@127.0.0.1:${port}/${embeddedName}`,
    async start() {
      await end('SIGKILL')
      while (!(await tryToStart())) await sleep(100)
    },
    kill: () => end('SIGKILL'),
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    async remove() {
      await end('SIGQUIT')
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function saysThatItIsReady(output: Readable): Promise<boolean> {
  for await (const line of createInterface({ input: output }))
    if (line.includes('ready to accept connections')) return true
  return false
}

function send(signal: NodeJS.Signals, pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && parentOf(pid) === parent)
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1])
  } catch {
    // It ended a moment ago.
    return undefined
  }
}
