import type { SignalboxClient } from '#client/client.ts'
import { isPassing } from '#client/errors.ts'
import { HeartbeatTasksDocument } from '#client/generated/graphql.ts'
import { payloadOf } from '#client/payload.ts'
import type { RunningTask } from './running-task.ts'

/** How often the leases are renewed in the time that one lasts. */
const beatsInLease = 3
const answerMs = 10_000
/** The wait after a heartbeat without an answer, in milliseconds. */
const failureRestMs = 500

/** Renews the leases of a worker's running tasks, and stops those that are lost or are to be cancelled. */
export class Heartbeat {
  readonly #client: SignalboxClient
  readonly #worker: string
  readonly #leaseMs: number
  readonly #running: ReadonlySet<RunningTask>
  readonly #stopping = new AbortController()

  constructor(client: SignalboxClient, worker: string, leaseMs: number, running: ReadonlySet<RunningTask>) {
    this.#client = client
    this.#worker = worker
    this.#leaseMs = leaseMs
    this.#running = running
  }

  /** Goes on until {@link stop}. */
  async run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const beatAt = Date.now()
      const isAnswered = this.#running.size > 0 && (await this.#beat())
      this.#dropExpired()
      // The server answers early where something has happened; and a lease that is new is not asked about yet.
      const restMs = isAnswered ? 0 : failureRestMs
      if (Date.now() - beatAt < failureRestMs) await this.#rest(Math.max(restMs, failureRestMs - (Date.now() - beatAt)))
    }
  }

  stop(): void {
    this.#stopping.abort()
  }

  async #beat(): Promise<boolean> {
    const asked = [...this.#running]
    const waitMs = Math.floor(this.#leaseMs / beatsInLease)
    const input = { worker: this.#worker, leases: asked.map(({ ref }) => ref), waitMs }
    const options = { signal: this.#stopping.signal, timeoutMs: waitMs + answerMs }
    try {
      const { heartbeatTasks } = await this.#client.request(HeartbeatTasksDocument, { input }, options)
      const { leases } = payloadOf(heartbeatTasks)
      for (const [index, { lost, cancelRequested }] of leases.entries()) {
        const running = asked[index]
        if (running === undefined) continue
        if (lost) running.stop('lost')
        else running.leaseEndsAt = Date.now() + this.#leaseMs
        if (cancelRequested) running.stop('cancelled')
      }
      return true
    } catch (error) {
      if (!this.#stopping.signal.aborted && !isPassing(error)) for (const running of asked) running.stop('lost')
      return false
    }
  }

  /** Without an answer for as long as a lease, others may have the task by now. */
  #dropExpired(): void {
    for (const running of this.#running) if (Date.now() > running.leaseEndsAt) running.stop('lost')
  }

  #rest(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#stopping.signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, durationMs)
      this.#stopping.signal.addEventListener('abort', done)
    })
  }
}
