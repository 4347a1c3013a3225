import type { Clock } from '#lib/clock.ts'
import { errorMessage } from '#lib/errors.ts'
import { isRefusedData } from '#platform/database/refusal.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { ClaimedJob, Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { type TaskEventType, taskEvent } from './events.ts'
import { attemptJob, queueOf } from './jobs.ts'
import type { ProgressBoard } from './progress-board.ts'
import type { OutputRecorder } from './recorder.ts'
import type { Runner } from './runner.ts'
import { type StopReason, settle } from './settlement.ts'
import { batchPart, freeSlots, type SlotPlan } from './slots.ts'
import { promoteDue, type Settled, type Settlement, settleAttempts, startAttempts } from './store.ts'
import { type Attempt, type Outcome, type Priority, priorities } from './task.ts'

export interface DispatcherDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  readonly runner: Runner
  readonly recorder: OutputRecorder
  readonly board: ProgressBoard
  readonly clock: Clock
  readonly log: Logger
  readonly plan: SlotPlan
  readonly workerId: number
  readonly actor: Actor
  /** Told of each attempt's end, for measuring. */
  readonly onSettled: (attempt: Attempt, outcome: Outcome) => void
}

interface Running {
  readonly attempt: Attempt
  readonly stop: AbortController
  reason: StopReason | undefined
}

interface Ended {
  readonly running: Running
  readonly outcome: Outcome
}

/** Most results that one round writes down. */
const mostSettled = 500
/** It looks for due work at least this often, whatever hints it missed. */
const lookIntervalMs = 1_000
const failureDelayMs = 500

/**
 * Gives free places to waiting tasks. It works in rounds, each one transaction: write down what has ended, and claim
 * as many jobs as there are places. A round follows a hint, an end, or the time at which the next task falls due.
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps
  readonly #running = new Map<string, Running>()
  #ended: Ended[] = []
  #settleBatch = mostSettled
  #wanted = false
  #round: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #claiming = true
  #stopped = false
  #checkDue = true
  /** Queues that may hold due jobs: those that a hint named, or whose last claim was filled. */
  readonly #promising = new Set<Priority>(priorities)
  #idle: (() => void) | undefined

  constructor(deps: DispatcherDeps) {
    this.#deps = deps
  }

  /** How many attempts run now. */
  get running(): number {
    return this.#running.size
  }

  start(): void {
    this.wake()
  }

  /** A task of this priority waits now, or will once it is due. */
  expect(priority: Priority, due: 'now' | 'later'): void {
    if (due === 'now') this.#promising.add(priority)
    else this.#checkDue = true
    this.wake()
  }

  /** There may be work. */
  wake(): void {
    this.#wanted = true
    if (this.#round !== undefined || this.#stopped) return
    clearTimeout(this.#timer)
    this.#round = this.#rounds().finally(() => {
      this.#round = undefined
      if (this.#wanted) this.wake()
    })
  }

  /** Asks a task's attempt to stop if this process runs it, and it is the one that is meant. */
  stopAttempt(taskId: string, reason: StopReason, meant: Partial<Pick<Attempt, 'number' | 'fence'>> = {}): void {
    const running = this.#running.get(taskId)
    if (running === undefined) return
    const { number, fence } = running.attempt
    if ((meant.number ?? number) !== number || (meant.fence ?? fence) !== fence) return
    running.reason ??= reason
    running.stop.abort(reason)
  }

  /**
   * Claims nothing more, lets what runs end for up to `limitMs`, then stops it and hands it back to the queue.
   * Everything is written down when this resolves.
   */
  async drain(limitMs: number): Promise<void> {
    this.#claiming = false
    clearTimeout(this.#timer)
    const timer = setTimeout(() => {
      for (const { attempt } of this.#running.values()) this.stopAttempt(attempt.taskId, 'released')
    }, limitMs)
    await this.#untilIdle()
    clearTimeout(timer)
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#round
  }

  async #untilIdle(): Promise<void> {
    while (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
  }

  async #rounds(): Promise<void> {
    let nextMs = lookIntervalMs
    try {
      do {
        this.#wanted = false
        const claimed = await this.#oneRound()
        // Full hands may mean that more waits; a handler that has ended already has asked for a round itself.
        if (claimed === 0) nextMs = await this.#untilDue()
      } while (this.#wanted && !this.#stopped)
    } catch (error) {
      if (isRefusedData(error)) this.#setApart(error)
      this.#deps.log.error({ err: error }, 'a dispatcher round failed; trying again')
      nextMs = failureDelayMs
      this.#wanted = false
      this.#promiseAll()
    }
    if (!this.#stopped) this.#timer = setTimeout(() => this.#look(), nextMs)
  }

  /** What the database refuses of one result must not keep the others from being written: they go one by one. */
  #setApart(error: unknown): void {
    const [first, ...rest] = this.#ended
    if (this.#settleBatch > 1 || first === undefined) {
      this.#settleBatch = 1
      return
    }
    const reason = `The database can't keep the result: ${errorMessage(error)}`
    const outcome = { kind: 'failed', error: { code: 'RESULT_REFUSED', message: reason, retryable: false } } as const
    this.#ended = [...rest, { running: first.running, outcome }]
  }

  #look(): void {
    this.#checkDue = true
    this.#promiseAll()
    this.wake()
  }

  #promiseAll(): void {
    for (const priority of priorities) this.#promising.add(priority)
  }

  /** Milliseconds until the next task falls due; asked only when time may have brought one. */
  async #untilDue(): Promise<number> {
    if (!this.#checkDue) return lookIntervalMs
    this.#checkDue = false
    const dueMs = await promoteDue(this.#deps.sql)
    return Math.min(dueMs ?? lookIntervalMs, lookIntervalMs)
  }

  /** @returns how many attempts were started. */
  async #oneRound(): Promise<number> {
    const ended = this.#ended.slice(0, this.#settleBatch)
    const places = this.#claiming ? freeSlots(this.#deps.plan, this.#count(ended)) : { critical: 0, shared: 0 }
    if (ended.length === 0 && (places.critical === 0 || this.#promising.size === 0)) return 0
    const now = this.#deps.clock.now()
    const settlements = ended.map(({ running, outcome }) => settle(running.attempt, outcome, running.reason, now))
    const attempts = await this.#deps.transact(async (tx) => {
      await this.#settle(tx, ended, settlements)
      return this.#claim(tx, places, this.#count(ended).BATCH)
    })
    this.#ended = this.#ended.slice(ended.length)
    if (this.#ended.length === 0) this.#settleBatch = mostSettled
    for (const one of ended) this.#release(one)
    for (const { status } of settlements) if (status === 'SCHEDULED') this.#checkDue = true
    for (const [index, { next }] of settlements.entries())
      if (next?.delayMs === 0) this.#promising.add((ended[index] as Ended).running.attempt.priority)
    for (const attempt of attempts) this.#run(attempt)
    if (this.#ended.length > 0) this.#wanted = true
    return attempts.length
  }

  /** Tasks that run, by priority, not counting those that have ended. */
  #count(ended: readonly Ended[]): Record<Priority, number> {
    const count = { CRITICAL: 0, NORMAL: 0, BATCH: 0 }
    for (const { attempt } of this.#running.values()) count[attempt.priority] += 1
    for (const { running } of ended) count[running.attempt.priority] -= 1
    return count
  }

  async #settle(tx: Transaction, ended: readonly Ended[], settlements: readonly Settlement[]): Promise<void> {
    if (ended.length === 0) return
    const jobs = ended.map(({ running: { attempt } }) => ({ queue: queueOf[attempt.priority], id: attempt.jobId }))
    await this.#deps.queue.settle(tx, jobs)
    await writeSettlements(
      tx,
      this.#deps.queue,
      this.#deps.actor,
      ended.map(({ running }) => running.attempt),
      settlements,
    )
  }

  async #claim(
    tx: Transaction,
    places: { critical: number; shared: number },
    runningBatch: number,
  ): Promise<Attempt[]> {
    const critical = await this.#claimFrom(tx, 'CRITICAL', places.critical)
    let shared = Math.min(places.shared, places.critical - critical.length)
    const offered = batchPart(shared, runningBatch, this.#deps.plan)
    const batch = await this.#claimFrom(tx, 'BATCH', offered)
    shared -= batch.length
    const normal = await this.#claimFrom(tx, 'NORMAL', shared)
    shared -= normal.length
    const rest = batch.length === offered ? await this.#claimFrom(tx, 'BATCH', shared) : []
    return this.#startAttempts(tx, [...critical, ...normal, ...batch, ...rest])
  }

  async #claimFrom(tx: Transaction, priority: Priority, limit: number): Promise<ClaimedJob[]> {
    if (limit <= 0 || !this.#promising.has(priority)) return []
    // Before the query: a hint that comes while it runs must not be lost.
    this.#promising.delete(priority)
    const jobs = await this.#deps.queue.claim(tx, queueOf[priority], limit)
    if (jobs.length === limit) this.#promising.add(priority)
    return jobs
  }

  async #startAttempts(tx: Transaction, jobs: readonly ClaimedJob[]): Promise<Attempt[]> {
    if (jobs.length === 0) return []
    const refs = jobs.map((job) => ({ ...attemptJob.parse(job.data), jobId: job.id }))
    const attempts = await startAttempts(tx, this.#deps.workerId, refs)
    const wanted = new Set(attempts.map((attempt) => attempt.jobId))
    // A job whose task was cancelled, or has another job by now, stands for nothing.
    await this.#deps.queue.settle(
      tx,
      jobs.filter((job) => !wanted.has(job.id)),
    )
    for (const { type, priority, labels, number, ...rest } of attempts) {
      const data = { type, priority, labels, status: 'ACTIVE', attempt: number } as const
      tx.journal(taskEvent('task.started', rest, this.#deps.actor, data))
    }
    return attempts
  }

  #run(attempt: Attempt): void {
    const running: Running = { attempt, stop: new AbortController(), reason: undefined }
    this.#running.set(attempt.taskId, running)
    void this.#execute(running)
  }

  async #execute(running: Running): Promise<void> {
    const { runner, recorder, log, onSettled } = this.#deps
    const { attempt } = running
    let outcome = await runner.run(attempt, recorder.outputOf(attempt), running.stop.signal)
    try {
      await recorder.flush(attempt)
    } catch (error) {
      log.error({ err: error, taskId: attempt.taskId }, 'the output of a task could not be written')
    }
    // It did stop by itself in the end, so nothing of it is left; but whom it obeyed decides what that means.
    if (outcome.kind === 'failed' && running.reason === 'cancelled') outcome = { kind: 'stopped' }
    onSettled(attempt, outcome)
    this.#ended.push({ running, outcome })
    this.wake()
  }

  #release({ running }: Ended): void {
    this.#deps.board.forget(running.attempt.taskId)
    if (this.#running.get(running.attempt.taskId) === running) this.#running.delete(running.attempt.taskId)
    if (this.#running.size === 0) this.#idle?.()
  }
}

/** Writes how attempts ended, the jobs of those that go on, and the journal's word of each; old fences have no effect. */
export async function writeSettlements(
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
  return taskEvent(settledEventType(settlement, now), attempt, actor, data)
}

function settledEventType(settlement: Settlement, now: Settled): TaskEventType {
  if (now.status === 'COMPLETED') return 'task.completed'
  if (now.status === 'FAILED') return 'task.failed'
  if (now.status === 'CANCELLED') return 'task.cancelled'
  return settlement.uncounted ? 'task.released' : 'task.retried'
}
