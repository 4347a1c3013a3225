import { LRUCache } from 'lru-cache'
import type { Clock } from '#lib/clock.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { endForgotten } from './attempt-loss.ts'
import { findAttemptsOf } from './store/attempts.ts'
import { findHeld } from './store/output.ts'
import type { Attempt } from './task.ts'
import { writeLosses } from './write-ends.ts'

/** How many attempts that ended here are remembered. */
const capacity = 10_000

export interface RecollectionDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  readonly actor: Actor
  readonly workerId: number
  readonly clock: Clock
  readonly log: Logger
}

export interface Comparison {
  /** What runs here and is not held in the database: it was taken away, or its claim was lost in a failover. */
  readonly lost: readonly Attempt[]
  /** What is held in the database and never ran here: the answer to its claim did not arrive. */
  readonly unheard: readonly Attempt[]
}

/**
 * Compares what a worker runs with what the database says that it holds. They differ after a claim whose commit was not
 * answered, and after a failover that lost the last commits.
 */
export class Recollection {
  readonly #deps: RecollectionDeps
  /** Fences of attempts that ended here, by task. */
  readonly #ended = new LRUCache<string, number>({ max: capacity })

  constructor(deps: RecollectionDeps) {
    this.#deps = deps
  }

  /** Remembers that an attempt ran here. */
  note({ taskId, fence }: Attempt): void {
    this.#ended.set(taskId, fence)
  }

  /**
   * Finds what to stop and what to start; `isHere` says whether an attempt runs here, or waits for its end to be written.
   * What the database holds although it ended here is ended there as lost: what it did is done, and nobody else would
   * take it from a worker that lives.
   */
  async compare(running: readonly Attempt[], isHere: (attempt: Attempt) => boolean): Promise<Comparison> {
    const held = await findAttemptsOf(this.#deps.sql, this.#deps.workerId)
    const fences = new Map(held.map(({ taskId, fence }) => [taskId, fence]))
    const strange = held.filter((attempt) => !isHere(attempt))
    const hasEnded = ({ taskId, fence }: Attempt) => this.#ended.get(taskId) === fence
    await this.#endForgotten(strange.filter(hasEnded))
    return {
      lost: running.filter(({ taskId, fence }) => fences.get(taskId) !== fence),
      unheard: strange.filter((attempt) => !hasEnded(attempt)),
    }
  }

  async #endForgotten(attempts: readonly Attempt[]): Promise<void> {
    if (attempts.length === 0) return
    const { transact, queue, actor, clock, log } = this.#deps
    const count = await transact(async (tx) => {
      // Meanwhile the end of one may have been written after all.
      const held = new Set((await findHeld(tx, attempts)).map(({ taskId }) => taskId))
      const losses = attempts.filter(({ taskId }) => held.has(taskId))
      await writeLosses(
        { tx, queue, actor, now: clock.now() },
        losses.map((attempt) => ({ attempt, error: endForgotten })),
      )
      return losses.length
    })
    if (count > 0)
      log.warn({ tasks: count }, 'the database has lost the ends of attempts; these attempts count as lost')
  }
}
