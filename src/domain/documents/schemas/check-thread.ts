import { Worker } from 'node:worker_threads'
import { type CheckAnswer, type CheckJob, type CheckOutcome, compileMs } from './check-job.ts'

/** Limits are by computing time: a busy machine takes longer, and starts a thread slowly. */
const hungFactor = 30
const graceMs = 10_000
const maxMegabytes = 256

interface Pending {
  readonly resolve: (answer: Omit<CheckAnswer, 'id'>) => void
  readonly timer: NodeJS.Timeout
}

const late: Omit<CheckAnswer, 'id'> = { outcome: { kind: 'LATE' }, ms: 0 }

/**
 * A thread that checks documents against schemas, so that no check blocks the event loop. It starts with the first job. A
 * thread that hangs or runs out of memory is ended and replaced; its jobs are late.
 */
export class CheckThread {
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #lastId = 0

  /**
   * Asks the thread, after what it was asked before. Late also after `waitMs`, whatever becomes of it then.
   */
  ask(job: Omit<CheckJob, 'id'>, waitMs = Number.POSITIVE_INFINITY): Promise<Omit<CheckAnswer, 'id'>> {
    this.#lastId += 1
    const id = this.#lastId
    const hungMs = (job.limitMs + compileMs) * hungFactor + graceMs
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => {
          this.#settle(id, late)
          if (waitMs >= hungMs) void this.#end()
        },
        Math.min(waitMs, hungMs),
      )
      this.#pending.set(id, { resolve, timer })
      this.#started().postMessage({ ...job, id })
    })
  }

  /** Ends the thread; what it was asked is late. */
  async close(): Promise<void> {
    await this.#end()
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(new URL('./check-thread-main.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: maxMegabytes },
    })
    worker.unref()
    worker.on('message', ({ id, ...answer }: CheckAnswer) => this.#settle(id, answer))
    // Running out of memory, for one: its exit, which follows, is what matters.
    worker.on('error', () => undefined)
    worker.on('exit', () => this.#ended(worker))
    this.#worker = worker
    return worker
  }

  async #end(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    this.#ended(worker)
    await worker.terminate()
  }

  #ended(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    for (const id of [...this.#pending.keys()]) this.#settle(id, late)
  }

  #settle(id: number, answer: { outcome: CheckOutcome; ms: number }): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    clearTimeout(pending.timer)
    pending.resolve(answer)
  }
}
