import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '#lib/clock.ts'
import { errorMessage } from '#lib/errors.ts'
import { isRefusedData } from '#platform/database/refusal.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { type TaskEventType, taskEvent } from './events.ts'
import { queueOf } from './jobs.ts'
import type { ProgressBoard } from './progress-board.ts'
import { type StopReason, settle } from './settlement.ts'
import { type Settled, type Settlement, settleAttempts } from './store/attempts.ts'
import type { Attempt, Outcome, TaskError } from './task.ts'

/** An attempt that runs no more, and how it ended. */
export interface Ended {
  readonly attempt: Attempt
  readonly outcome: Outcome
  readonly stopped: StopReason | undefined
}

export interface SettlerDeps {
  readonly transact: Transact
  readonly queue: Queue
  readonly actor: Actor
  readonly board: ProgressBoard
  readonly clock: Clock
  readonly log: Logger
  /** Told of each attempt once its end is written down. */
  readonly onWritten: (ended: Ended, settlement: Settlement) => void
}

/** Most ends that one transaction writes down. */
const mostAtOnce = 500
const failureDelayMs = 500

/**
 * Writes down how attempts ended, many in one transaction, one transaction at a time. What can't be written now waits
 * and is tried again; a result that the database refuses is replaced by the reason.
 */
export class Settler {
  readonly #deps: SettlerDeps
  #waiting: Ended[] = []
  #atOnce = mostAtOnce
  #writing = false
  #stopped = false

  constructor(deps: SettlerDeps) {
    this.#deps = deps
  }

  add(ended: Ended): void {
    if (this.#stopped) return
    this.#waiting.push(ended)
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
    const ended = this.#waiting.slice(0, this.#atOnce)
    const now = this.#deps.clock.now()
    const settlements = ended.map(({ attempt, outcome, stopped }) => ({
      ...settle(attempt, outcome, stopped, now),
      progress: this.#deps.board.find(attempt.taskId)?.percent,
    }))
    const attempts = ended.map(({ attempt }) => attempt)
    await this.#deps.transact((tx) => writeSettlements(tx, this.#deps.queue, this.#deps.actor, attempts, settlements))
    this.#waiting = this.#waiting.slice(ended.length)
    if (this.#waiting.length === 0) this.#atOnce = mostAtOnce
    for (const [index, settlement] of settlements.entries()) this.#deps.onWritten(ended[index] as Ended, settlement)
  }

  /** What the database refuses of one result must not keep the others from being written: they go one by one. */
  #setApart(error: unknown): void {
    const [first, ...rest] = this.#waiting
    if (this.#atOnce > 1 || first === undefined) {
      this.#atOnce = 1
      return
    }
    const reason = `The database can't keep the result: ${errorMessage(error)}`
    const outcome = { kind: 'failed', error: { code: 'RESULT_REFUSED', message: reason, retryable: false } } as const
    this.#waiting = [{ ...first, outcome }, ...rest]
  }
}

/** Writes how attempts ended, the jobs of those that go on, and the journal's word of each; old fences have no effect. */
async function writeSettlements(
  tx: Transaction,
  queue: Queue,
  actor: Actor,
  attempts: readonly Attempt[],
  settlements: readonly Settlement[],
): Promise<void> {
  const settled = new Map((await settleAttempts(tx, settlements)).map((one) => [one.id, one]))
  const next = attempts.flatMap((attempt, index) => {
    const settlement = settlements[index]
    const now = settled.get(attempt.taskId)
    if (settlement === undefined || now === undefined) return []
    tx.journal(settledEvent(attempt, settlement, now, actor))
    if (settlement.next === undefined || now.status === 'CANCELLED') return []
    const { accountId, taskId } = attempt
    const startAfter = settlement.next.delayMs > 0 ? now.runAt : undefined
    return [{ queue: queueOf[attempt.priority], id: settlement.next.jobId, data: { accountId, taskId }, startAfter }]
  })
  await queue.send(tx, next)
}

/** An attempt that is taken from its worker, and why. */
export interface Loss {
  readonly attempt: Attempt
  readonly error: TaskError
}

/** Ends attempts that were lost, with the journal's word that they were, and the jobs of those that are tried again. */
export async function writeLosses(
  tx: Transaction,
  queue: Queue,
  actor: Actor,
  losses: readonly Loss[],
  now: Date,
): Promise<void> {
  for (const { attempt, error } of losses) {
    const { type, priority, labels, number } = attempt
    const { code, message, retryable } = error
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
  const settlements = losses.map(({ attempt, error }) => settle(attempt, { kind: 'failed', error }, undefined, now))
  const attempts = losses.map(({ attempt }) => attempt)
  await writeSettlements(tx, queue, actor, attempts, settlements)
}

function settledEvent(attempt: Attempt, settlement: Settlement, now: Settled, actor: Actor) {
  const { type, priority, labels, number } = attempt
  const error = settlement.error as { code: string; message: string; retryable: boolean } | undefined
  const data = {
    type,
    priority,
    labels,
    attempt: number,
    status: now.status,
    ...(error && { error: { code: error.code, message: error.message, retryable: error.retryable } }),
    ...(now.status === 'SCHEDULED' && { runAt: now.runAt.toISOString() }),
    ...(now.status === 'CANCELLED' && now.cancelReason !== null && { reason: now.cancelReason }),
  }
  return taskEvent(settledEventType(settlement, now), attempt, { actor }, data)
}

function settledEventType(settlement: Settlement, now: Settled): TaskEventType {
  if (now.status === 'COMPLETED') return 'task.completed'
  if (now.status === 'FAILED') return 'task.failed'
  if (now.status === 'CANCELLED') return 'task.cancelled'
  return settlement.uncounted ? 'task.released' : 'task.retried'
}
