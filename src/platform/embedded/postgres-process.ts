import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { StartupError } from '#lib/errors.ts'
import { within } from '#lib/within.ts'
import { freePort } from '#platform/system/free-port.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { EmbeddedLocation } from './location.ts'
import { PostgresOutput } from './postgres-output.ts'
import { postgresSpawnOptions, started } from './postgres-tool.ts'
import type { PostgresProgram } from './program.ts'

export interface PostgresProcessOptions {
  readonly location: EmbeddedLocation
  readonly program: PostgresProgram
  readonly log: Logger
  /** Called when the process ends without having been asked to, with a sentence that says how. */
  readonly onExit: (reason: string) => void
}

/** For a machine of two cores that PostgreSQL shares with the server; durability is left as it is by default: on. */
export const embeddedSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 60,
  shared_buffers: '128MB',
  work_mem: '8MB',
  maintenance_work_mem: '64MB',
  effective_cache_size: '512MB',
  random_page_cost: 1.1,
  // One server, no standby: commits write only what recovery needs.
  wal_level: 'minimal',
  max_wal_senders: 0,
  max_logical_replication_workers: 0,
  wal_compression: 'on',
  checkpoint_timeout: '15min',
  // The queue's tables turn over fast.
  autovacuum_naptime: '20s',
  io_method: 'sync',
  jit: 'off',
  max_parallel_workers_per_gather: 1,
  idle_in_transaction_session_timeout: '60s',
  client_connection_check_interval: '5s',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_destination: 'stderr',
  logging_collector: 'off',
  log_line_prefix: '',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
} as const

const portAttempts = 5
/** Long enough to replay the log of changes after a crash. */
const readyTimeoutMs = 300_000
const lingerTimeoutMs = 10_000
const lastWordsMs = 500

/** A running PostgreSQL. */
export class PostgresProcess {
  readonly port: number
  readonly #child: ChildProcessByStdio<null, null, Readable>
  readonly #output = new PostgresOutput()
  readonly #options: PostgresProcessOptions
  readonly #ended: Promise<void>
  #version = ''
  readonly #ready = Promise.withResolvers<void>()
  #isReady = false
  #isStopping = false

  /**
   * Starts PostgreSQL on a free port of loopback, and waits until it takes connections.
   * @throws {StartupError} with its last complaint, when it ends before.
   */
  static async start(options: PostgresProcessOptions): Promise<PostgresProcess> {
    const deadline = Date.now() + lingerTimeoutMs
    for (let attempt = 1; ; attempt += 1) {
      const server = new PostgresProcess(options, await freePort())
      if (await server.#becomesReady()) return server
      const isPortTaken = server.#output.includes('could not create any TCP/IP sockets') && attempt < portAttempts
      // The last query of a postmaster that was killed holds on until it notices.
      const isMemoryHeld = server.#output.includes('shared memory block') && Date.now() < deadline
      if (!isPortTaken && !isMemoryHeld) throw server.#failure()
      await sleep(isMemoryHeld ? 100 : 0)
    }
  }

  private constructor(options: PostgresProcessOptions, port: number) {
    const { location, program } = options
    this.port = port
    this.#options = options
    const flags = Object.entries({ ...embeddedSettings, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    this.#child = spawn(program.postgres, ['-D', location.clusterDir, ...flags], {
      ...postgresSpawnOptions(location.clusterDir, location.user),
      stdio: ['ignore', 'ignore', 'pipe'],
      // A group of its own: Ctrl-C in a terminal must not end it before the server, which stops it last.
      detached: true,
    })
    this.#output.follow(this.#child.stderr, (line) => this.#take(line))
    const closed = new Promise<void>((resolve) => this.#child.once('close', () => resolve()))
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', async (code, signal) => {
        // Its last words may still be under way; a query that outlives a killed postmaster would keep them open for long.
        await within(lastWordsMs, closed)
        resolve()
        this.#notice(code, signal)
      })
    })
  }

  /** Such as `18.4`. */
  get version(): string {
    return this.#version
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /**
   * Ends PostgreSQL by a fast shutdown: open transactions are rolled back. When that takes longer than 30 seconds, by
   * force. Does nothing when it has ended.
   */
  async stop(): Promise<void> {
    this.#isStopping = true
    for (const [signal, patienceMs] of [['SIGINT', 30_000] as const, ['SIGQUIT', 5_000] as const]) {
      if (this.#hasEnded) return
      this.#child.kill(signal)
      if (await within(patienceMs, this.#ended)) return
      this.#options.log.warn(`PostgreSQL has not ended ${patienceMs / 1000} seconds after ${signal}`)
    }
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async #becomesReady(): Promise<boolean> {
    await started(this.#child, this.#options.program.postgres)
    await within(readyTimeoutMs, Promise.race([this.#ready.promise, this.#ended]))
    if (!this.#isReady) await this.stop()
    return this.#isReady
  }

  #take(line: string): void {
    const { log } = this.#options
    this.#version ||= /starting PostgreSQL (\S+)/.exec(line)?.[1] ?? ''
    if (line.includes('ready to accept connections')) {
      this.#isReady = true
      this.#ready.resolve()
    }
    // A fast shutdown tells every connection's end as FATAL.
    const isSerious = /^(FATAL|PANIC):/.test(line) && this.#isReady && !this.#isStopping
    log[isSerious ? 'warn' : 'debug']({ source: 'postgres' }, line)
  }

  #failure(): StartupError {
    const { clusterDir } = this.#options.location
    return new StartupError(`The database in ${clusterDir} does not start: ${this.#output.lastComplaint}.`)
  }

  #notice(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#isStopping || !this.#isReady) return
    const how = signal === null ? `with the code ${code}` : `by ${signal}`
    this.#options.onExit(`PostgreSQL ended unexpectedly ${how}; it last said: ${this.#output.lastComplaint}.`)
  }
}
