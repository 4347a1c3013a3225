import type { CountByPriority } from './claim-policy.ts'
import type { Attempt, AttemptEnd, StopReason } from './task.ts'

/** An attempt of this process, until its end is written. */
export class RunningAttempt {
  readonly attempt: Attempt
  /** How it ended, once nothing of it is left. */
  readonly end: Promise<AttemptEnd>
  readonly #stop = new AbortController()
  #stopReason: StopReason | undefined
  #hasEnded = false

  constructor(attempt: Attempt, run: (stop: AbortSignal) => Promise<AttemptEnd>) {
    this.attempt = attempt
    this.end = run(this.#stop.signal)
  }

  /** Why it was asked to stop, the first time. */
  get stopReason(): StopReason | undefined {
    return this.#stopReason
  }

  /** Its slot is free again; only its end is still to be written. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  stop(reason: StopReason): void {
    this.#stopReason ??= reason
    this.#stop.abort(reason)
  }

  markEnded(): void {
    this.#hasEnded = true
  }
}

/** Attempts that run in this process, and those whose end is not written yet, by task. */
export class RunningAttempts {
  readonly #byTask = new Map<string, RunningAttempt>()
  #onEmpty: (() => void) | undefined

  /** With those whose end is still to be written. */
  get size(): number {
    return this.#byTask.size
  }

  /** Slots that are taken, by priority. */
  get counts(): CountByPriority {
    const counts = { CRITICAL: 0, NORMAL: 0, BATCH: 0 }
    for (const { attempt, hasEnded } of this.#byTask.values()) if (!hasEnded) counts[attempt.priority] += 1
    return counts
  }

  get all(): readonly RunningAttempt[] {
    return [...this.#byTask.values()]
  }

  has({ taskId, fence }: Attempt): boolean {
    return this.#byTask.get(taskId)?.attempt.fence === fence
  }

  /** Takes the place of an earlier attempt of the same task, if one is still ending. */
  add(running: RunningAttempt): void {
    this.#byTask.set(running.attempt.taskId, running)
  }

  /** Its end is written, or is not to be written. */
  remove(attempt: Attempt): void {
    if (this.#byTask.get(attempt.taskId)?.attempt === attempt) this.#byTask.delete(attempt.taskId)
    if (this.#byTask.size === 0) this.#onEmpty?.()
  }

  /**
   * Asks a task's attempt to stop if it runs here, and it is the one that is meant.
   * @returns the attempt; undefined when none was asked that had not been asked before.
   */
  stop(
    taskId: string,
    reason: StopReason,
    meant: Partial<Pick<Attempt, 'number' | 'fence'>> = {},
  ): RunningAttempt | undefined {
    const running = this.#byTask.get(taskId)
    if (running === undefined || running.hasEnded || running.stopReason !== undefined) return undefined
    const { number, fence } = running.attempt
    if ((meant.number ?? number) !== number || (meant.fence ?? fence) !== fence) return undefined
    running.stop(reason)
    return running
  }

  stopAll(reason: StopReason): void {
    for (const running of this.#byTask.values()) running.stop(reason)
  }

  async untilEmpty(): Promise<void> {
    while (this.#byTask.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve
      })
    }
  }
}
