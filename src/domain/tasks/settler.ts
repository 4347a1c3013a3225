import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '#lib/clock.ts'
import { errorMessage } from '#lib/errors.ts'
import { isRefusedData } from '#platform/database/refusal.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { ProgressBoard } from './progress-board.ts'
import type { Transition } from './state-machine.ts'
import type { Attempt, AttemptEnd, Priority } from './task.ts'
import { type ToSettle, writeEnds } from './write-ends.ts'

type Waiting = Pick<ToSettle, 'attempt' | 'end'>

export interface SettlerDeps {
  readonly transact: Transact
  readonly queue: Queue
  readonly actor: Actor
  readonly board: ProgressBoard
  readonly clock: Clock
  readonly log: Logger
  /** Called for each attempt once its end is committed, with where it leads the task. */
  readonly onWritten: (attempt: Attempt, transition: Transition) => void
  /** Called when tasks of this priority that were held wait in the queue now. */
  readonly onReleased: (priority: Priority) => void
}

/** How many ends one transaction writes at most. */
const maxBatchSize = 500
const failureDelayMs = 500

/**
 * Writes how attempts ended, many in one transaction, one transaction at a time. What can't be written now waits and is
 * tried again; a result that the database refuses is replaced by the reason.
 */
export class Settler {
  readonly #deps: SettlerDeps
  #waiting: Waiting[] = []
  #batchSize = maxBatchSize
  #writing = false
  #stopped = false

  constructor(deps: SettlerDeps) {
    this.#deps = deps
  }

  add(attempt: Attempt, end: AttemptEnd): void {
    if (this.#stopped) return
    this.#waiting.push({ attempt, end })
    if (!this.#writing) void this.#writeAll()
  }

  /** Gives up what still waits to be written. */
  stop(): void {
    this.#stopped = true
    this.#waiting = []
  }

  async #writeAll(): Promise<void> {
    this.#writing = true
    // Attempts that end in the same turn of the event loop belong together.
    await nextTurn()
    while (this.#waiting.length > 0) {
      try {
        await this.#writeSome()
      } catch (error) {
        if (this.#stopped) break
        if (isRefusedData(error)) this.#setApart(error)
        this.#deps.log.error({ err: error }, 'the end of tasks could not be written; trying again')
        await sleep(failureDelayMs)
      }
    }
    this.#writing = false
  }

  async #writeSome(): Promise<void> {
    const { transact, queue, actor, board, clock, onWritten, onReleased } = this.#deps
    const now = clock.now()
    const ends = this.#waiting
      .slice(0, this.#batchSize)
      .map((end) => ({ ...end, progress: board.find(end.attempt.taskId)?.percent }))
    const { transitions, released } = await transact((tx) => writeEnds({ tx, queue, actor, now }, ends))
    this.#waiting = this.#waiting.slice(ends.length)
    if (this.#waiting.length === 0) this.#batchSize = maxBatchSize
    for (const priority of released) onReleased(priority)
    for (const [index, { attempt }] of ends.entries()) onWritten(attempt, transitions[index] as Transition)
  }

  /** What the database refuses of one result must not keep the others from being written: they go one by one. */
  #setApart(refusal: unknown): void {
    const [first, ...rest] = this.#waiting
    if (this.#batchSize > 1 || first === undefined) {
      this.#batchSize = 1
      return
    }
    const reason = `The database can't keep the result: ${errorMessage(refusal)}`
    const error = { code: 'RESULT_REFUSED', message: reason, retryable: false }
    this.#waiting = [{ attempt: first.attempt, end: { kind: 'failed', error } }, ...rest]
  }
}
