import type { Clock } from '#lib/clock.ts'
import { aliveIdsSql } from '#platform/database/session.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { taskEvent } from './events.ts'
import { settle, workerLost } from './settlement.ts'
import { writeSettlements } from './settler.ts'
import { findHolders, lockAttemptsOf } from './store/attempts.ts'

const lookIntervalMs = 1_000
/** How long a worker may be without its sign of life, so that one that only reconnects is not taken for dead. */
const graceMs = 2_000
const batchSize = 200

export interface ReaperDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  readonly actor: Actor
  readonly clock: Clock
  readonly log: Logger
}

/** Ends the attempts of workers that died: a worker lives while it holds its advisory lock, which it loses with its connection. */
export class Reaper {
  readonly #deps: ReaperDeps
  readonly #missingSince = new Map<number, number>()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #stopped = false

  constructor(deps: ReaperDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look()
    }, lookIntervalMs)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#looking
  }

  async #look(): Promise<void> {
    try {
      const dead = await this.#findDead()
      if (dead.length > 0) await this.#endAttemptsOf(dead)
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'lost workers could not be looked for; trying again')
    }
    if (!this.#stopped) this.start()
  }

  /** Workers that hold attempts and have been without a sign of life for the grace period. */
  async #findDead(): Promise<number[]> {
    const holders = await findHolders(this.#deps.sql)
    if (holders.length === 0) return []
    const alive = new Set((await this.#deps.sql.query<{ objid: number }>(aliveIdsSql)).map((row) => row.objid))
    const missing = new Set(holders.filter((id) => !alive.has(id)))
    for (const id of this.#missingSince.keys()) if (!missing.has(id)) this.#missingSince.delete(id)
    const now = this.#deps.clock.now().getTime()
    for (const id of missing) if (!this.#missingSince.has(id)) this.#missingSince.set(id, now)
    return [...missing].filter((id) => now - (this.#missingSince.get(id) ?? now) >= graceMs)
  }

  async #endAttemptsOf(workers: readonly number[]): Promise<void> {
    while (!this.#stopped) {
      const count = await this.#endBatch(workers)
      if (count > 0) this.#deps.log.warn({ workers, tasks: count }, 'a worker died; its tasks were taken back')
      if (count < batchSize) return
    }
  }

  async #endBatch(workers: readonly number[]): Promise<number> {
    const { transact, queue, actor, clock } = this.#deps
    return transact(async (tx) => {
      const attempts = await lockAttemptsOf(tx, workers, batchSize)
      for (const attempt of attempts) {
        const { type, priority, labels, number } = attempt
        const { code, message, retryable } = workerLost
        const data = {
          type,
          priority,
          labels,
          attempt: number,
          status: 'ACTIVE',
          error: { code, message, retryable },
        } as const
        tx.journal(taskEvent('task.lost', attempt, { actor }, data))
      }
      const outcome = { kind: 'failed', error: workerLost } as const
      const settlements = attempts.map((attempt) => settle(attempt, outcome, undefined, clock.now()))
      await writeSettlements(tx, queue, actor, attempts, settlements)
      return attempts.length
    })
  }
}
