import type { Sql } from '#platform/database/sql.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { queueOf } from './jobs.ts'
import type { RunningAttempt, RunningAttempts } from './running-attempts.ts'
import type { TaskTypes } from './task-type.ts'

export interface PreemptionDeps {
  readonly sql: Sql
  readonly queue: Pick<Queue, 'readWaits'>
  readonly types: TaskTypes
  readonly log: Logger
}

/** How long a CRITICAL task waits for a slot before a BATCH attempt is asked to stop for it. */
const patienceMs = 200

/**
 * Makes room for CRITICAL tasks that find every slot taken: asks one BATCH attempt of a preemptible type to stop for each
 * task that has waited for 200 ms, the latest started first, since it loses the least.
 */
export class Preemption {
  readonly #deps: PreemptionDeps
  readonly #running: RunningAttempts
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #isStopped = false

  constructor(deps: PreemptionDeps, running: RunningAttempts) {
    this.#deps = deps
    this.#running = running
  }

  /** Every slot is taken, and CRITICAL tasks may be waiting. */
  expect(): void {
    if (this.#timer === undefined && !this.#isLooking && this.#candidates().length > 0) this.#lookIn(patienceMs)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  #lookIn(ms: number): void {
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#look(), ms)
  }

  async #look(): Promise<void> {
    this.#timer = undefined
    this.#isLooking = true
    try {
      await this.#makeRoom()
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'no room could be made for critical tasks; trying again when one waits')
    } finally {
      this.#isLooking = false
    }
  }

  async #makeRoom(): Promise<void> {
    const { sql, queue } = this.#deps
    const limit = this.#candidates().length
    if (limit === 0) return
    const waits = await queue.readWaits(sql, queueOf.CRITICAL, limit + this.#stopping)
    const impatient = waits.filter((waitMs) => waitMs >= patienceMs).length - this.#stopping
    for (const running of this.#candidates().slice(0, Math.max(0, impatient))) running.stop('preempted')
    const patient = waits.filter((waitMs) => waitMs < patienceMs)
    if (patient.length > 0) this.#lookIn(patienceMs - Math.max(...patient))
  }

  /** What may be stopped, latest started first. */
  #candidates(): RunningAttempt[] {
    const { types } = this.#deps
    return this.#running.all
      .filter(({ attempt: { priority, type }, stopReason, hasEnded }) => {
        return priority === 'BATCH' && stopReason === undefined && !hasEnded && types.get(type)?.preemptible === true
      })
      .sort((a, b) => b.attempt.startedAt.getTime() - a.attempt.startedAt.getTime())
  }

  /** How many have been asked to stop and still have their slots. */
  get #stopping(): number {
    return this.#running.all.filter(({ stopReason, hasEnded }) => stopReason === 'preempted' && !hasEnded).length
  }
}
