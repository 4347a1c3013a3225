import { setImmediate as nextTurn } from 'node:timers/promises'
import type { QuotaService } from '#domain/quotas/service.ts'
import type { Clock } from '#lib/clock.ts'
import { within } from '#lib/within.ts'
import type { DatabaseSession, SessionConnection } from '#platform/database/session.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { ClaimedJob, NewJob, Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { taskEvent } from './events.ts'
import { attemptJob, queueOf } from './jobs.ts'
import type { ProgressBoard } from './progress-board.ts'
import { Recollection } from './recollection.ts'
import type { OutputRecorder } from './recorder.ts'
import type { Runner } from './runner.ts'
import type { StopReason } from './settlement.ts'
import { type Ended, Settler } from './settler.ts'
import { batchPart, freeSlots, type SlotPlan } from './slots.ts'
import { type JobRef, promoteDue, type Settlement, startAttempts } from './store/attempts.ts'
import { type Attempt, type Outcome, type Priority, priorities } from './task.ts'

export interface DispatcherDeps {
  readonly sql: Sql
  readonly transact: Transact
  /** Without its connection nothing is claimed: others would take this process for dead. */
  readonly session: Pick<DatabaseSession, 'connection'>
  readonly queue: Queue
  readonly runner: Runner
  readonly recorder: OutputRecorder
  readonly board: ProgressBoard
  readonly clock: Clock
  readonly log: Logger
  readonly plan: SlotPlan
  readonly workerId: number
  readonly quotas: Pick<QuotaService, 'takeRunning'>
  readonly actor: Actor
  /** For how long nothing could be written though it was tried, in milliseconds. */
  readonly stalledMs: () => number
  /** Told of each attempt's end, for measuring. */
  readonly onSettled: (attempt: Attempt, outcome: Outcome) => void
}

/** A job that was claimed, and what it stands for. */
interface QueuedJob extends JobRef {
  readonly queue: string
}

function toQueuedJob({ id, data }: ClaimedJob, queue: string): QueuedJob {
  return { ...attemptJob.parse(data), jobId: id, queue }
}

interface Running {
  readonly attempt: Attempt
  readonly stop: AbortController
  /** How it ended, once nothing of it is left. */
  readonly outcome: Promise<Outcome>
  reason: StopReason | undefined
  /** Its place is free again; only its end is still to be written. */
  hasEnded: boolean
}

/** It looks for due work at least this often, whatever hints it missed. */
const lookIntervalMs = 1_000
const failureDelayMs = 500
/** After which time at least it is looked again whether an account may run more. */
const quotaDelayMs = 1_000
/** A server that stops gives up on a database that has taken nothing for this long. */
const longestStallMs = 5_000
const stallLookMs = 250
const lastRoundMs = 1_000

/**
 * Gives free places to waiting tasks. It works in rounds, each one transaction that claims as many jobs as there are
 * places. A round follows a hint, an end, or the time at which the next task falls due; meanwhile the settler writes
 * down what has ended.
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps
  readonly #settler: Settler
  /** Attempts that run here, and those whose end isn't written down yet. */
  readonly #running = new Map<string, Running>()
  readonly #recollection: Recollection
  /** The connection for which what runs here and what the database says were compared; undefined: not since a failure. */
  #comparedOn: SessionConnection | undefined
  #wanted = false
  #round: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  /** A claim that is under way. */
  #claimed: Promise<unknown> = Promise.resolve()
  #claiming = true
  #releasing = false
  #stopped = false
  #checkDue = true
  /** Queues that may hold due jobs: those that a hint named, or whose last claim was filled. */
  readonly #promising = new Set<Priority>(priorities)
  #idle: (() => void) | undefined

  constructor(deps: DispatcherDeps) {
    this.#deps = deps
    this.#settler = new Settler({ ...deps, onWritten: (ended, settlement) => this.#release(ended, settlement) })
    this.#recollection = new Recollection(deps)
  }

  /** How many attempts run now. */
  get running(): number {
    const count = this.#count()
    return count.CRITICAL + count.NORMAL + count.BATCH
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

  /** Asks all that runs to stop: this process has been without the database for longer than its lease. */
  expireAll(): void {
    for (const { attempt } of this.#running.values()) this.stopAttempt(attempt.taskId, 'expired')
  }

  /**
   * Claims nothing more, lets what runs end for up to `limitMs`, then stops it and hands it back to the queue.
   * Nothing runs when this resolves, and everything is written down, unless the database takes nothing any more: who
   * looks for lost workers then finds the attempts that are left.
   */
  async drain(limitMs: number): Promise<void> {
    this.#claiming = false
    const idle = this.#untilIdle()
    if (!(await within(limitMs, idle))) {
      this.#releaseAll()
      while (!(await within(stallLookMs, idle)))
        if (this.#deps.stalledMs() >= longestStallMs) {
          await this.#giveUp()
          break
        }
    }
    this.#stopped = true
    clearTimeout(this.#timer)
    if (this.#round !== undefined) await within(lastRoundMs, this.#round)
  }

  async #untilIdle(): Promise<void> {
    // What was about to be claimed runs as well.
    await this.#claimed.catch(() => undefined)
    while (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
  }

  #releaseAll(): void {
    this.#releasing = true
    for (const { attempt } of this.#running.values()) this.stopAttempt(attempt.taskId, 'released')
  }

  /** Waits no longer for the database, only until nothing runs. */
  async #giveUp(): Promise<void> {
    const { recorder, log } = this.#deps
    recorder.stop()
    await Promise.all([...this.#running.values()].map(({ outcome }) => outcome))
    this.#settler.stop()
    log.warn(
      { attempts: this.#running.size },
      'the database does not take how attempts ended; they will be found as those of a lost worker',
    )
  }

  async #rounds(): Promise<void> {
    let nextMs = lookIntervalMs
    try {
      do {
        // What is heard, or ends, in the same turn of the event loop belongs to the same round.
        await nextTurn()
        this.#wanted = false
        const claimed = await this.#oneRound()
        // Full hands may mean that more waits; a handler that has ended already has asked for a round itself.
        if (claimed === 0) nextMs = await this.#untilDue()
      } while (this.#wanted && !this.#stopped)
    } catch (error) {
      this.#deps.log.error({ err: error }, 'a dispatcher round failed; trying again')
      nextMs = failureDelayMs
      this.#wanted = false
      // Its claim may have been committed all the same.
      this.#comparedOn = undefined
      this.#promiseAll()
    }
    if (!this.#stopped) this.#timer = setTimeout(() => this.#look(), nextMs)
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
    await this.#compare()
    const places = this.#places()
    if (places.critical === 0 || this.#promising.size === 0) return 0
    const claim = this.#deps.transact((tx) => this.#claim(tx, places, this.#count().BATCH))
    const started = claim.then((attempts) => attempts.map((attempt) => this.#run(attempt)))
    this.#claimed = started
    return (await started).length
  }

  /** After a reconnection or a failed claim, sets right what runs here and the database does not know, and the reverse. */
  async #compare(): Promise<void> {
    const { connection } = this.#deps.session
    if (connection === undefined || connection === this.#comparedOn || !this.#claiming) return
    const runningHere = [...this.#running.values()].filter(({ hasEnded }) => !hasEnded).map(({ attempt }) => attempt)
    const isHere = ({ taskId, fence }: Attempt) => this.#running.get(taskId)?.attempt.fence === fence
    const { lost, unheard } = await this.#recollection.compare(runningHere, isHere)
    for (const { taskId, fence } of lost) this.stopAttempt(taskId, 'lost', { fence })
    for (const attempt of unheard) this.#run(attempt)
    this.#comparedOn = connection
  }

  #places(): { critical: number; shared: number } {
    if (!this.#claiming || this.#deps.session.connection === undefined) return { critical: 0, shared: 0 }
    const { critical, shared } = freeSlots(this.#deps.plan, this.#count())
    // Ends that can't be written must not pile up: beyond one for each place, nothing new is begun.
    const bearable = 2 * this.#deps.plan.slots - this.#running.size
    return { critical: Math.min(critical, bearable), shared: Math.min(shared, bearable) }
  }

  /** Tasks that run, by priority. */
  #count(): Record<Priority, number> {
    const count = { CRITICAL: 0, NORMAL: 0, BATCH: 0 }
    for (const { attempt, hasEnded } of this.#running.values()) if (!hasEnded) count[attempt.priority] += 1
    return count
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

  async #claimFrom(tx: Transaction, priority: Priority, limit: number): Promise<QueuedJob[]> {
    if (limit <= 0 || !this.#promising.has(priority)) return []
    // Before the query: a hint that comes while it runs must not be lost.
    this.#promising.delete(priority)
    const queue = queueOf[priority]
    const jobs = await this.#deps.queue.claim(tx, queue, limit)
    if (jobs.length === limit) this.#promising.add(priority)
    return jobs.map((job) => toQueuedJob(job, queue))
  }

  /** A job whose task was cancelled, or has another job by now, stands for nothing. */
  async #startAttempts(tx: Transaction, jobs: readonly QueuedJob[]): Promise<Attempt[]> {
    if (jobs.length === 0) return []
    const attempts = await startAttempts(tx, this.#deps.workerId, await this.#withinQuota(tx, jobs))
    for (const { type, priority, labels, number, ...rest } of attempts) {
      const data = { type, priority, labels, status: 'ACTIVE', attempt: number } as const
      tx.journal(taskEvent('task.started', rest, this.#deps, data))
    }
    return attempts
  }

  /** Those that their accounts may run beside what they run; the others go back to their queue for a while. */
  async #withinQuota(tx: Transaction, jobs: readonly QueuedJob[]): Promise<readonly QueuedJob[]> {
    const { quotas, queue, clock } = this.#deps
    const started: QueuedJob[] = []
    const deferred: NewJob[] = []
    for (const [accountId, own] of Map.groupBy(jobs, (job) => job.accountId)) {
      const { count, waiting } = await quotas.takeRunning(accountId, own.length)
      started.push(...own.slice(0, count))
      // The more wait, the longer, so that a thousand in a second are looked at in vain at most.
      const startAfter = new Date(clock.now().getTime() + quotaDelayMs + waiting)
      for (const { queue, jobId: id, taskId } of own.slice(count))
        deferred.push({ queue, id, data: { accountId, taskId }, startAfter })
    }
    if (deferred.length > 0) tx.quiet('jobs that wait for a quota')
    await queue.send(tx, deferred)
    return started
  }

  #run(attempt: Attempt): void {
    const { runner, recorder } = this.#deps
    const stop = new AbortController()
    const outcome = runner.run(attempt, recorder.outputOf(attempt), stop.signal)
    const running: Running = { attempt, stop, outcome, reason: undefined, hasEnded: false }
    this.#running.set(attempt.taskId, running)
    if (this.#releasing) this.stopAttempt(attempt.taskId, 'released')
    void this.#conclude(running)
  }

  async #conclude(running: Running): Promise<void> {
    const { recorder, log, onSettled } = this.#deps
    const { attempt } = running
    let outcome = await running.outcome
    try {
      await recorder.flush(attempt)
    } catch (error) {
      log.error({ err: error, taskId: attempt.taskId }, 'the output of a task could not be written')
    }
    // It did stop by itself in the end, so nothing of it is left; but whom it obeyed decides what that means.
    if (outcome.kind === 'failed' && running.reason === 'cancelled') outcome = { kind: 'stopped' }
    onSettled(attempt, outcome)
    running.hasEnded = true
    this.#recollection.note(attempt)
    // One that was taken away has nothing to say of it any more.
    if (running.reason === 'lost') this.#forget(running)
    else this.#settler.add({ attempt, outcome, stopped: running.reason })
    this.wake()
  }

  #forget({ attempt }: Pick<Running, 'attempt'>): void {
    this.#deps.board.forget(attempt.taskId)
    if (this.#running.get(attempt.taskId)?.attempt === attempt) this.#running.delete(attempt.taskId)
    if (this.#running.size === 0) this.#idle?.()
  }

  #release({ attempt }: Ended, { next, status }: Settlement): void {
    this.#forget({ attempt })
    if (status === 'SCHEDULED') this.#checkDue = true
    if (next?.delayMs === 0) this.#promising.add(attempt.priority)
    this.wake()
  }
}
