import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { postgresSpawnOptions } from '#platform/embedded/postgres-tool.ts'
import type { SystemUser } from '#platform/system/system-user.ts'

/** Server settings by name, as `postgres -c` takes them. */
export type PostgresSettings = Readonly<Record<string, string | number>>

export interface PostgresServerOptions {
  /** Path of the program `postgres`. */
  readonly program: string
  /** The data directory of an existing cluster. */
  readonly directory: string
  /** Undefined: this process's own user. */
  readonly user: SystemUser | undefined
  readonly settings: PostgresSettings
}

/** How long a process may outlive its killed postmaster, in milliseconds. */
const lingerMs = 20_000

/** The processes of one PostgreSQL, to be started, killed, and frozen by tests. */
export class PostgresServer {
  readonly #options: PostgresServerOptions
  #postmaster: ChildProcess | undefined

  constructor(options: PostgresServerOptions) {
    this.#options = options
  }

  /** Kills what still runs and starts again; resolves when it accepts connections, read-only ones included. */
  async start(extra: PostgresSettings = {}): Promise<void> {
    await this.end('SIGKILL')
    const deadline = Date.now() + lingerMs
    for (;;) {
      const complaint = await this.#tryToStart(extra)
      if (complaint === undefined) return
      // A process of a killed postmaster still holds its shared memory.
      if (!complaint.includes('shared memory block') || Date.now() > deadline)
        throw new Error(`PostgreSQL did not start: ${complaint}`)
      await sleep(100)
    }
  }

  /** @returns why it did not start; undefined when it accepts connections. */
  async #tryToStart(extra: PostgresSettings): Promise<string | undefined> {
    const { program, directory, user, settings } = this.#options
    const flags = Object.entries({ ...settings, ...extra }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const child = spawn(program, ['-D', directory, ...flags], {
      ...postgresSpawnOptions(directory, user),
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    })
    this.#postmaster = child
    const complaint = await complaintOf(child.stderr)
    child.stderr.resume()
    return complaint
  }

  /**
   * Ends it and waits for its exit: SIGKILL is a power cut, SIGINT a fast shutdown, after which a connected standby has
   * everything. Does nothing when it does not run.
   */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#postmaster
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const children = childrenOf(child.pid)
    child.kill(signal)
    // A power cut leaves nobody: otherwise a child answers until it notices that it is alone.
    if (signal === 'SIGKILL') send(signal, children)
    // A frozen process notices nothing, and would be there for ever.
    send('SIGCONT', [child.pid, ...children])
    await once(child, 'exit')
  }

  /** Stops all its processes, or lets them continue: connections stay open, and nobody answers. */
  freeze(): void {
    this.#signalAll('SIGSTOP')
  }

  thaw(): void {
    this.#signalAll('SIGCONT')
  }

  #signalAll(signal: NodeJS.Signals): void {
    const pid = this.#postmaster?.pid
    if (pid !== undefined) send(signal, [pid, ...childrenOf(pid)])
  }
}

/** Reads its log until it accepts connections; returns undefined then, and its last complaint when it ends before. */
async function complaintOf(output: Readable): Promise<string | undefined> {
  let complaint = 'it ended without a word'
  for await (const line of createInterface({ input: output })) {
    if (/ready to accept (read-only )?connections/.test(line)) return undefined
    if (line.includes('FATAL:')) complaint = line
  }
  return complaint
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
