import type { Logger } from '#platform/telemetry/log.ts'

export interface WorkLoopOptions {
  /** Of the work, for the log. */
  readonly name: string
  /**
   * Does what there is to do. Returns after how many milliseconds there will be more, where it knows; otherwise it runs
   * again when it is hinted at, or after `intervalMs`.
   */
  readonly work: (() => Promise<void>) | (() => Promise<number | undefined>)
  /** The longest time between two runs, in milliseconds: whatever hint was missed, work is found by then. */
  readonly intervalMs: number
  /** For how long a hint waits for others, in milliseconds; 0 by default. */
  readonly hintDelayMs?: () => number
  /** How long it rests at least before it follows a hint that came during a run, in milliseconds; 0 by default. */
  readonly restMs?: number
  /** After how long a run that failed is followed by another, in milliseconds; `intervalMs` by default. */
  readonly failureDelayMs?: number
  readonly log: Logger
}

/**
 * Background work of this process, one run at a time: after a hint, when it is due, or after an interval. A run that
 * fails is logged, and followed by another after the interval, or after a hint.
 */
export class WorkLoop {
  readonly #options: WorkLoopOptions
  #unschedule: (() => void) | undefined
  #dueAt = Number.POSITIVE_INFINITY
  #running: Promise<void> | undefined
  #isHinted = false
  #isStopped = false

  constructor(options: WorkLoopOptions) {
    this.#options = options
  }

  /** The first run comes after `delayMs`. */
  start(delayMs = this.#options.intervalMs): void {
    this.runIn(delayMs)
  }

  /** There may be work. */
  hint(): void {
    this.#isHinted = true
    if (this.#running === undefined) this.runIn(this.#hintDelayMs)
  }

  /** There will be work after so many milliseconds. */
  runIn(delayMs: number): void {
    const at = performance.now() + delayMs
    if (this.#isStopped || this.#dueAt <= at) return
    this.#unschedule?.()
    this.#dueAt = at
    this.#unschedule = schedule(() => this.#run(), delayMs)
  }

  /** Starts nothing more; resolves when the current run has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#unschedule?.()
    await this.#running
  }

  get #hintDelayMs(): number {
    return this.#options.hintDelayMs?.() ?? 0
  }

  #run(): void {
    this.#dueAt = Number.POSITIVE_INFINITY
    // Its end schedules the next one.
    if (this.#running !== undefined) {
      this.#isHinted = true
      return
    }
    this.#isHinted = false
    this.#running = this.#work().finally(() => {
      this.#running = undefined
      if (this.#isHinted) this.runIn(Math.max(this.#options.restMs ?? 0, this.#hintDelayMs))
    })
  }

  async #work(): Promise<void> {
    const { name, work, intervalMs, failureDelayMs = intervalMs, log } = this.#options
    try {
      const nextMs = await work()
      this.runIn(typeof nextMs === 'number' ? Math.min(nextMs, intervalMs) : intervalMs)
    } catch (error) {
      log.warn({ err: error, work: name }, 'background work failed; it runs again later')
      // What it was hinted at meanwhile is found then.
      this.#isHinted = false
      this.runIn(failureDelayMs)
    }
  }
}

/** Calls back after the delay; without one in the next turn of the event loop. Returns what prevents that. */
function schedule(callback: () => void, delayMs: number): () => void {
  if (delayMs > 0) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  }
  const immediate = setImmediate(callback)
  return () => clearImmediate(immediate)
}

/** A {@link WorkLoop} that is started, with its first run after the interval. */
export function startLoop(options: WorkLoopOptions): WorkLoop {
  const loop = new WorkLoop(options)
  loop.start()
  return loop
}
