import { type ChildProcess, fork } from 'node:child_process'
import { type CheckAnswer, type CheckJob, type CheckOutcome, compileMs } from './check-job.ts'

/** Limits are by computing time: a busy machine takes longer, and starts a process slowly. */
const hungFactor = 30
const graceMs = 10_000
const maxMegabytes = 256

interface Pending {
  readonly resolve: (answer: Omit<CheckAnswer, 'id'>) => void
  readonly timer: NodeJS.Timeout
}

const late: Omit<CheckAnswer, 'id'> = { outcome: { kind: 'LATE' }, ms: 0 }

/**
 * A process that checks documents against schemas, so that no check blocks the event loop. It starts with the first job. A
 * process that hangs or runs out of memory is ended and replaced; its jobs are late. A thread would not do: Node ends
 * one that runs out of memory alone only where V8 can stop it in time, and aborts the whole process otherwise.
 */
export class CheckProcess {
  readonly #pending = new Map<number, Pending>()
  #child: ChildProcess | undefined
  #lastId = 0

  /**
   * Asks the process, after what it was asked before. Late also after `waitMs`, whatever becomes of it then.
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
      // What can't be sent is late once the process has ended.
      this.#started().send({ ...job, id } satisfies CheckJob, () => undefined)
    })
  }

  /** Ends the process; what it was asked is late. */
  async close(): Promise<void> {
    await this.#end()
  }

  #started(): ChildProcess {
    if (this.#child !== undefined) return this.#child
    const child = fork(new URL('./check-process-main.ts', import.meta.url), {
      execArgv: [`--max-old-space-size=${maxMegabytes}`],
      // Neither secrets nor options meant for the server; and what is typed at the terminal is for the server alone.
      env: {},
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    child.unref()
    child.channel?.unref()
    child.on('message', ({ id, ...answer }: CheckAnswer) => this.#settle(id, answer))
    child.on('error', () => this.#ended(child))
    child.on('exit', () => this.#ended(child))
    this.#child = child
    return child
  }

  async #end(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#ended(child)
    const exited = new Promise((resolve) => child.once('exit', resolve))
    // It is waited for, whatever else this process has to do.
    child.ref()
    if (child.kill('SIGKILL')) await exited
  }

  #ended(child: ChildProcess): void {
    if (this.#child !== child) return
    this.#child = undefined
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
