import { hostname } from 'node:os'
import type { SignalboxClient } from '#client/client.ts'
import { isPassing, SignalboxError } from '#client/errors.ts'
import { ClaimTasksDocument, DrainWorkerDocument, RegisterTaskTypesDocument } from '#client/generated/graphql.ts'
import { Outage } from '#client/outage.ts'
import { payloadOf } from '#client/payload.ts'
import { type FollowOptions, persist } from '#client/resume.ts'
import { Heartbeat } from './heartbeat.ts'
import { type Lease, RunningTask } from './running-task.ts'
import type { WorkerType, WorkHandler } from './worker-type.ts'

export interface WorkOptions extends Pick<FollowOptions, 'giveUpAfterMs' | 'onReconnect'> {
  /** What executes tasks, by the names of their types: a handler, or one with what the type is to be registered with. */
  readonly types: Readonly<Record<string, WorkerType | WorkHandler>>
  /** How many tasks run at once, 1 to 1,000. Default: 1. An operator can change it. */
  readonly slots?: number
  /** The worker's name, at most 100 characters. Default: the host's name and the process's number. */
  readonly worker?: string
  /** The program's version, for operators. */
  readonly version?: string
  /** How long a lease lasts when this process gives no sign of life, in milliseconds, 5,000 to 300,000. Default: 30,000. */
  readonly leaseMs?: number
  /** When it aborts, the worker drains: it claims nothing more, and lets what runs end. */
  readonly signal?: AbortSignal
  /** Whether the worker drains when the process gets SIGTERM or SIGINT. Default: true. */
  readonly drainsOnSignals?: boolean
  /** How long running tasks have to end while it drains, in milliseconds; then they are given back. Default: 30,000. */
  readonly drainMs?: number
  /** Called when an attempt's end could not be committed. */
  readonly onError?: (error: unknown, taskId: string) => void
}

const defaultLeaseMs = 30_000
const defaultDrainMs = 30_000
/** How long the server lets a claim wait, and how much longer its answer may take, in milliseconds. */
const claimWaitMs = 30_000
const answerMs = 15_000
const maxClaim = 100
/** How long the last request may take, in milliseconds. */
const leaveMs = 2_000

/**
 * Registers task types, and executes their tasks until it is drained: by the signal, by SIGTERM, or by an operator. It
 * waits for a server that restarts.
 * @throws {SignalboxError} when the server refuses it, or has not answered for `giveUpAfterMs`.
 */
export async function work(client: SignalboxClient, options: WorkOptions): Promise<void> {
  const draining = new AbortController()
  const drain = () => draining.abort()
  options.signal?.addEventListener('abort', drain)
  if (options.signal?.aborted) drain()
  const signals = options.drainsOnSignals === false ? [] : (['SIGTERM', 'SIGINT'] as const)
  for (const name of signals) process.on(name, drain)
  try {
    await new Work(client, options, draining.signal).run()
  } finally {
    options.signal?.removeEventListener('abort', drain)
    for (const name of signals) process.off(name, drain)
  }
}

class Work {
  readonly #client: SignalboxClient
  readonly #options: WorkOptions
  readonly #draining: AbortSignal
  readonly #worker: string
  readonly #handlers: ReadonlyMap<string, WorkHandler>
  readonly #running = new Set<RunningTask>()
  readonly #heartbeat: Heartbeat
  readonly #leaseMs: number
  #slots: number
  /** As the server knows this worker, once it has claimed. */
  #workerId: string | undefined
  /** Resolves when an attempt has ended. */
  #freed = Promise.withResolvers<void>()

  constructor(client: SignalboxClient, options: WorkOptions, draining: AbortSignal) {
    this.#client = client
    this.#options = options
    this.#draining = draining
    this.#worker = options.worker ?? `${hostname()}-${process.pid}`.slice(-100)
    this.#slots = options.slots ?? 1
    this.#leaseMs = options.leaseMs ?? defaultLeaseMs
    this.#handlers = new Map(
      Object.entries(options.types).map(([name, type]) => [name, typeof type === 'function' ? type : type.run]),
    )
    this.#heartbeat = new Heartbeat(client, this.#worker, this.#leaseMs, this.#running)
  }

  async run(): Promise<void> {
    await this.#register()
    const heartbeating = this.#heartbeat.run()
    try {
      await this.#claimAll()
    } finally {
      await this.#end()
      this.#heartbeat.stop()
      await heartbeating
      await this.#leave()
    }
  }

  async #register(): Promise<void> {
    const types = Object.entries(this.#options.types).flatMap(([name, type]) => {
      if (typeof type === 'function' || type.inputSchema === undefined) return []
      const { run: _, inputSchema, ...more } = type
      return [{ name, inputSchema, ...more }]
    })
    if (types.length === 0) return
    const register = () => this.#client.request(RegisterTaskTypesDocument, { types })
    payloadOf((await persist(register, this.#patience)).registerTaskTypes)
  }

  get #patience() {
    const { giveUpAfterMs, onReconnect } = this.#options
    return { giveUpAfterMs, onReconnect, signal: this.#draining, waitForServer: true }
  }

  /** Claims until it drains. */
  async #claimAll(): Promise<void> {
    const outage = new Outage(this.#options)
    while (!this.#draining.aborted) {
      const free = this.#slots - this.#running.size
      if (free <= 0) {
        await Promise.race([this.#freed.promise, aborted(this.#draining)])
        continue
      }
      try {
        const { leases, slots, draining, workerId } = await this.#claim(free)
        outage.end()
        this.#slots = slots
        this.#workerId = workerId
        for (const lease of leases) this.#start(lease)
        if (draining) return
      } catch (error) {
        if (this.#draining.aborted) return
        if (!isPassing(error)) throw error
        outage.note(error)
        this.#options.onReconnect?.({ reason: 'lost', attempt: outage.attempts, error })
        await outage.wait(this.#draining).catch(() => undefined)
      }
    }
  }

  async #claim(free: number) {
    const input = {
      worker: this.#worker,
      types: [...this.#handlers.keys()],
      max: Math.min(free, maxClaim),
      waitMs: claimWaitMs,
      slots: this.#options.slots ?? 1,
      leaseMs: this.#leaseMs,
      ...(this.#options.version !== undefined && { version: this.#options.version }),
    }
    const options = { signal: this.#draining, timeoutMs: claimWaitMs + answerMs }
    return payloadOf((await this.#client.request(ClaimTasksDocument, { input }, options)).claimTasks)
  }

  #start(lease: Lease): void {
    const handler = this.#handlers.get(lease.task.type)
    if (handler === undefined)
      throw new SignalboxError(`The server offered a task of the type "${lease.task.type}".`, {
        code: 'UNEXPECTED_RESPONSE',
      })
    const running = new RunningTask(this.#client, lease, handler, this.#leaseMs)
    this.#running.add(running)
    const ended = () => {
      this.#running.delete(running)
      this.#freed.resolve()
      this.#freed = Promise.withResolvers()
    }
    void running.done.catch((error: unknown) => this.#options.onError?.(error, lease.task.id)).finally(ended)
  }

  /** Tells the server that this worker is there no more; it would notice by itself. */
  async #leave(): Promise<void> {
    if (this.#workerId === undefined) return
    const input = { id: this.#workerId }
    await this.#client.request(DrainWorkerDocument, { input }, { timeoutMs: leaveMs }).catch(() => undefined)
  }

  /** Lets what runs end for a while, then gives it back. */
  async #end(): Promise<void> {
    const all = Promise.allSettled([...this.#running].map(({ done }) => done))
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, this.#options.drainMs ?? defaultDrainMs)
    await Promise.race([all, late])
    clearTimeout(timer)
    for (const running of this.#running) running.stop('released')
    await all
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
