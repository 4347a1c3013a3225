import type { Clock } from '#lib/clock.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { WorkLoop } from '#platform/work/work-loop.ts'
import { graceMs, type SilentWorker, type WorkerLiveness } from '#platform/work/worker-liveness.ts'
import { lossOf } from './attempt-loss.ts'
import { findHolders, lockLostAttempts } from './store/attempts.ts'
import { writeLosses } from './write-ends.ts'

const lookIntervalMs = 1_000
const batchSize = 200

export interface ReaperDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly liveness: WorkerLiveness
  /** How much longer than its `timeoutMs` a silent worker's attempt may take, in milliseconds. */
  readonly leaseMs: number
  readonly queue: Queue
  readonly actor: Actor
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Ends the attempts of other workers that died, or that stand still: what they report later has no effect, since an
 * attempt's fence is out of date by then.
 */
export class Reaper {
  readonly #deps: ReaperDeps
  readonly #loop: WorkLoop
  #isStopped = false

  constructor(deps: ReaperDeps) {
    this.#deps = deps
    const work = () => this.#look()
    this.#loop = new WorkLoop({ name: 'search for lost workers', intervalMs: lookIntervalMs, work, log: deps.log })
  }

  /** The first look is at once: the process before this one may have been killed. */
  start(): void {
    this.#loop.start(0)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#loop.stop()
  }

  async #look(): Promise<void> {
    const { sql, liveness } = this.#deps
    const silent = await liveness.findSilent(sql, await findHolders(sql))
    if (silent.length > 0) await this.#endAttemptsOf(silent)
  }

  async #endAttemptsOf(workers: readonly SilentWorker[]): Promise<void> {
    while (!this.#isStopped) {
      const count = await this.#endBatch(workers)
      if (count > 0)
        this.#deps.log.warn(
          { workers, tasks: count },
          'workers stopped sending heartbeats; their tasks were taken back',
        )
      if (count < batchSize) return
    }
  }

  async #endBatch(workers: readonly SilentWorker[]): Promise<number> {
    const { transact, liveness, leaseMs, queue, actor, clock } = this.#deps
    return transact(async (tx) => {
      const confirmed = await liveness.confirm(tx, workers)
      const attempts = await lockLostAttempts(tx, confirmed, { lockMs: graceMs, timeoutMs: leaseMs }, batchSize)
      const losses = attempts.map((attempt) => ({ attempt, error: lossOf(attempt, attempt.silentMs) }))
      await writeLosses({ tx, queue, actor, now: clock.now() }, losses)
      return attempts.length
    })
  }
}
