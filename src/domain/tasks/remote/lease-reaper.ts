import { deleteLeases, type ExpiredAttempt, hasExpiredLeases, lockExpired } from '#domain/tasks/store/leases.ts'
import { hasRemoteWorkers, markDrained, removeSilentWorkers } from '#domain/tasks/store/workers.ts'
import type { AttemptEnd, Priority } from '#domain/tasks/task.ts'
import { workerLost } from '#domain/tasks/task-error.ts'
import { type EndWriter, writeEnds, writeLosses } from '#domain/tasks/write-ends.ts'
import type { Clock } from '#lib/clock.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { WorkLoop } from '#platform/work/work-loop.ts'
import { goneMs } from './remote-worker.ts'
import { workerEvent } from './worker-events.ts'

const lookIntervalMs = 1_000
const batchSize = 200
const workersAtOnce = 100
/** As nobody asked for it. */
const actor: Actor = { kind: 'system', id: 'leases', name: 'leases' }

export interface LeaseReaperDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  readonly clock: Clock
  readonly log: Logger
  readonly onWaiting: (priority: Priority, due: 'now' | 'later') => void
  readonly onSettled: (attempt: ExpiredAttempt, end: AttemptEnd) => void
}

/** Ends attempts of remote workers whose leases are over, and takes workers off the list that are gone. */
export class LeaseReaper {
  readonly #deps: LeaseReaperDeps
  readonly #loop: WorkLoop
  #isStopped = false

  constructor(deps: LeaseReaperDeps) {
    this.#deps = deps
    const work = () => this.#look()
    this.#loop = new WorkLoop({ name: 'leases of remote workers', intervalMs: lookIntervalMs, work, log: deps.log })
  }

  start(): void {
    this.#loop.start()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#loop.stop()
  }

  async #look(): Promise<void> {
    const { sql } = this.#deps
    while (!this.#isStopped && (await hasExpiredLeases(sql)) && (await this.#endBatch()) === batchSize);
    await this.#sweepWorkers()
  }

  async #endBatch(): Promise<number> {
    const { transact, queue, clock, log, onWaiting, onSettled } = this.#deps
    const { attempts, released } = await transact(async (tx) => {
      const attempts = await lockExpired(tx, batchSize)
      const writer = { tx, queue, actor, now: clock.now() }
      await deleteLeases(tx, attempts)
      return { attempts, released: await endAll(writer, attempts) }
    })
    for (const priority of released) onWaiting(priority, 'now')
    for (const attempt of attempts) onSettled(attempt, endOf(attempt))
    if (attempts.length > 0) log.info({ tasks: attempts.length }, 'leases of remote workers ran out')
    return attempts.length
  }

  async #sweepWorkers(): Promise<void> {
    const { sql, transact } = this.#deps
    if (!(await hasRemoteWorkers(sql))) return
    await transact.quiet('workers that are not there')(async (tx) => {
      for (const worker of await markDrained(tx, workersAtOnce))
        tx.journal(workerEvent('worker.drained', worker, { actor }))
      for (const worker of await removeSilentWorkers(tx, goneMs, workersAtOnce))
        if (!worker.isDraining) tx.journal(workerEvent('worker.lost', worker, { actor }))
    })
  }
}

async function endAll(writer: EndWriter, attempts: readonly ExpiredAttempt[]): Promise<ReadonlySet<Priority>> {
  const lost = attempts.filter((attempt) => endOf(attempt).kind === 'failed' && !attempt.isTimedOut)
  const others = attempts.filter((attempt) => !lost.includes(attempt))
  const ofLost = await writeLosses(
    writer,
    lost.map((attempt) => ({ attempt, error: lossOf(attempt) })),
  )
  const { released } = await writeEnds(
    writer,
    others.map((attempt) => ({ attempt, end: endOf(attempt) })),
  )
  return new Set([...ofLost, ...released])
}

/** How an attempt has ended whose lease is over. */
function endOf(attempt: ExpiredAttempt): AttemptEnd {
  if (attempt.isCancelRequested) return { kind: 'stopped', by: 'cancelled' }
  if (!attempt.isTimedOut) return { kind: 'failed', error: lossOf(attempt) }
  const message = `It did not end within ${attempt.timeoutMs.toLocaleString('en')} ms.`
  return { kind: 'failed', error: { code: 'TIMEOUT', message, retryable: true } }
}

function lossOf({ leaseMs }: ExpiredAttempt) {
  return workerLost(`Its remote worker sent no heartbeat for ${leaseMs.toLocaleString('en')} ms.`)
}
