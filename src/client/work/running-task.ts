import type { SignalboxClient } from '#client/client.ts'
import { SignalboxError } from '#client/errors.ts'
import {
  type ClaimTasksMutation,
  CompleteTaskDocument,
  FailTaskDocument,
  ReleaseTaskDocument,
} from '#client/generated/graphql.ts'
import { payloadOf } from '#client/payload.ts'
import { persist } from '#client/resume.ts'
import { AttemptReport } from './attempt-report.ts'
import { WorkFailure, type WorkHandler } from './worker-type.ts'

export type Lease = Extract<ClaimTasksMutation['claimTasks'], { leases: unknown }>['leases'][number]
/** Why an attempt is to stop. */
export type StopReason = 'cancelled' | 'lost' | 'released'

type Ending = { readonly result: unknown } | { readonly failure: unknown }

/** An attempt that this worker executes, until its end is committed. */
export class RunningTask {
  readonly lease: Lease
  /** Resolves when the end is committed, or when there is nothing to say of it any more. */
  readonly done: Promise<void>
  /** When the lease ends without another heartbeat, by this machine's clock. */
  leaseEndsAt: number
  readonly #client: SignalboxClient
  readonly #stop = new AbortController()
  /** Aborts when the lease is lost: nothing is sent any more. */
  readonly #lost = new AbortController()

  constructor(client: SignalboxClient, lease: Lease, handler: WorkHandler, leaseMs: number) {
    this.#client = client
    this.lease = lease
    this.leaseEndsAt = Date.now() + leaseMs
    this.done = this.#run(handler)
  }

  get ref() {
    return { taskId: this.lease.task.id, fence: this.lease.fence }
  }

  stop(reason: StopReason): void {
    if (reason === 'lost') this.#lost.abort(reason)
    this.#stop.abort(reason)
  }

  async #run(handler: WorkHandler): Promise<void> {
    const report = new AttemptReport(this.#client, this.ref, this.#lost.signal)
    const { id, type, labels, input } = this.lease.task
    const context = {
      input: input as never,
      task: { id, type, labels: labels as Readonly<Record<string, string>> },
      attempt: this.lease.attempt,
      signal: this.#stop.signal,
      progress: (percent: number, step?: string) => report.progress(percent, step),
      log: (message: string) => report.log(message),
      part: (name: string, data: unknown, contentType?: string) => report.part(name, data, contentType),
    }
    const ending = await settle(async () => handler(context))
    if (this.#lost.signal.aborted) return
    try {
      await report.flush()
      await this.#end(ending)
    } catch (error) {
      if (this.#lost.signal.aborted || (error instanceof SignalboxError && error.code === 'LEASE_LOST')) return
      throw error
    }
  }

  async #end(ending: Ending): Promise<void> {
    if ('result' in ending) return this.#complete(ending.result)
    // Whatever it made of being asked to stop, it was asked to.
    if (this.#stop.signal.aborted) return this.#send('release')
    return this.#send('fail', failureOf(ending.failure))
  }

  async #complete(result: unknown): Promise<void> {
    try {
      const input = { ...this.ref, result: result ?? null }
      const { completeTask } = await this.#persist(() => this.#client.request(CompleteTaskDocument, { input }))
      payloadOf(completeTask)
    } catch (error) {
      if (!(error instanceof SignalboxError) || error.code !== 'INVALID_INPUT') throw error
      await this.#send('fail', { code: 'INVALID_RESULT', message: error.message, retryable: false })
    }
  }

  async #send(command: 'release' | 'fail', error?: ReturnType<typeof failureOf>): Promise<void> {
    if (command === 'fail' && error !== undefined) {
      const input = { ...this.ref, error }
      payloadOf((await this.#persist(() => this.#client.request(FailTaskDocument, { input }))).failTask)
    } else {
      const input = this.ref
      payloadOf((await this.#persist(() => this.#client.request(ReleaseTaskDocument, { input }))).releaseTask)
    }
  }

  #persist<T>(send: () => Promise<T>): Promise<T> {
    return persist(send, { signal: this.#lost.signal, waitForServer: true })
  }
}

async function settle(run: () => Promise<unknown>): Promise<Ending> {
  try {
    return { result: await run() }
  } catch (failure) {
    return { failure }
  }
}

const codePattern = /^[A-Z][A-Z0-9_]{0,63}$/
const maxMessageLength = 8_000

function failureOf(thrown: unknown) {
  const message = (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, maxMessageLength)
  if (!(thrown instanceof WorkFailure)) return { code: 'HANDLER_FAILED', message, retryable: true }
  const { retryable, retryAfterMs } = thrown
  const code = codePattern.test(thrown.code) ? thrown.code : 'HANDLER_FAILED'
  return { code, message, retryable, ...(retryAfterMs !== undefined && { retryAfterMs }) }
}
