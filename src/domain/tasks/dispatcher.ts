import type { QuotaService } from '#domain/quotas/service.ts'
import type { Clock } from '#lib/clock.ts'
import { within } from '#lib/within.ts'
import type { DatabaseSession, SessionConnection } from '#platform/database/session.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { Wake } from '#platform/wake/wake.ts'
import { WorkLoop } from '#platform/work/work-loop.ts'
import { type FreeSlots, freeSlots, type SlotPlan } from './claim-policy.ts'
import { Claimer } from './claimer.ts'
import { taskEvent } from './events.ts'
import { Preemption } from './preemption.ts'
import type { ProgressBoard } from './progress-board.ts'
import { Recollection } from './recollection.ts'
import type { OutputRecorder } from './recorder.ts'
import type { Runner } from './runner.ts'
import { RunningAttempt, RunningAttempts } from './running-attempts.ts'
import { Settler } from './settler.ts'
import { fellDue, type Transition } from './state-machine.ts'
import { promoteDue, readTaskDueMs } from './store/attempts.ts'
import type { ShareRef } from './store/shares.ts'
import type { Attempt, AttemptEnd, Priority, StopReason } from './task.ts'
import type { TaskTypes } from './task-type.ts'

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
  readonly wake: Wake
  readonly log: Logger
  /** Its number of slots may change while it works. */
  readonly plan: SlotPlan
  readonly types: TaskTypes
  readonly workerId: number
  readonly quotas: Pick<QuotaService, 'takeRunning'>
  readonly actor: Actor
  /** For how long nothing could be written though it was tried, in milliseconds. */
  readonly stalledMs: () => number
  /** Called at the end of each attempt, for metrics. */
  readonly onSettled: (attempt: Attempt, end: AttemptEnd) => void
}

/** It looks for due work at least this often, whatever hints it missed. */
const lookIntervalMs = 1_000
const failureDelayMs = 500
/** Tasks that one commit lets wait once their time has come. */
const promotedAtOnce = 500
/** How long another process may take to start what is due. */
const startingMs = 20
/** A server that stops gives up on a database that has taken nothing for this long. */
const maxStallMs = 5_000
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
  readonly #claimer: Claimer
  readonly #running = new RunningAttempts()
  readonly #recollection: Recollection
  readonly #preemption: Preemption
  /** The connection for which what runs here and what the database says were compared; undefined: not since a failure. */
  #comparedOn: SessionConnection | undefined
  readonly #loop: WorkLoop
  /** A claim that is under way. */
  #claimed: Promise<unknown> = Promise.resolve()
  #claiming = true
  #releasing = false
  /** When it looks for waiting and due tasks, whatever hints it missed. */
  #lookAt = 0
  #checkDue = true

  constructor(deps: DispatcherDeps) {
    this.#deps = deps
    this.#settler = new Settler({
      ...deps,
      onWritten: (attempt, transition) => this.#onWritten(attempt, transition),
      onReleased: (priority) => this.#claimer.expect(priority),
    })
    this.#claimer = new Claimer(deps)
    this.#recollection = new Recollection(deps)
    this.#preemption = new Preemption(deps, this.#running)
    this.#loop = new WorkLoop({
      name: 'dispatching tasks',
      work: () => this.#round(),
      intervalMs: lookIntervalMs,
      failureDelayMs,
      log: deps.log,
    })
  }

  /** Whether an operator wants nothing more to be claimed. */
  #isDraining = false

  /** How many attempts run now. */
  get running(): number {
    const { CRITICAL, NORMAL, BATCH } = this.#running.counts
    return CRITICAL + NORMAL + BATCH
  }

  start(): void {
    this.#loop.start(0)
  }

  /** Claims nothing more, or goes on with it; what runs goes on. */
  setDraining(isDraining: boolean): void {
    this.#isDraining = isDraining
    this.wake()
  }

  /** A task of this priority waits now, or will once it is due. */
  expect(priority: Priority, due: 'now' | 'later'): void {
    if (due === 'now') this.#claimer.expect(priority)
    else this.#checkDue = true
    this.wake()
  }

  /** A task with a rank waits in this account. */
  expectRanked(share: ShareRef): void {
    this.#claimer.expectRanked(share)
  }

  /** Tasks of any priority may wait again. */
  expectAll(): void {
    this.#claimer.expectAll()
    this.wake()
  }

  /** Something is paused in this account. */
  expectPaused(accountId: string): void {
    this.#claimer.expectPaused(accountId)
  }

  /** There may be work. What is heard, or ends, in the same turn of the event loop belongs to the same round. */
  wake(): void {
    this.#loop.hint()
  }

  /** Asks a task's attempt to stop if this process runs it, and it is the one that is meant. */
  stopAttempt(taskId: string, reason: StopReason, meant?: Partial<Pick<Attempt, 'number' | 'fence'>>): void {
    const stopped = this.#running.stop(taskId, reason, meant)
    if (stopped !== undefined && reason === 'cancelled') this.#deps.recorder.acknowledgeCancel(stopped.attempt)
  }

  /** Asks all that runs to stop: this process has been without the database for longer than its lease. */
  expireAll(): void {
    this.#running.stopAll('expired')
  }

  /**
   * Claims nothing more, lets what runs end for up to `limitMs`, then stops it and hands it back to the queue.
   * Nothing runs when this resolves, and everything is written down, unless the database takes nothing any more: who
   * looks for lost workers then finds the attempts that are left.
   */
  async drain(limitMs: number): Promise<void> {
    this.#claiming = false
    this.#preemption.stop()
    const idle = this.#untilIdle()
    if (!(await within(limitMs, idle))) {
      this.#releaseAll()
      while (!(await within(stallLookMs, idle)))
        if (this.#deps.stalledMs() >= maxStallMs) {
          await this.#giveUp()
          break
        }
    }
    await within(lastRoundMs, this.#loop.stop())
  }

  async #untilIdle(): Promise<void> {
    // What was about to be claimed runs as well.
    await this.#claimed.catch(() => undefined)
    await this.#running.untilEmpty()
  }

  #releaseAll(): void {
    this.#releasing = true
    this.#running.stopAll('released')
  }

  /** Waits no longer for the database, only until nothing runs. */
  async #giveUp(): Promise<void> {
    const { recorder, log } = this.#deps
    recorder.stop()
    await Promise.all(this.#running.all.map(({ end }) => end))
    this.#settler.stop()
    log.warn(
      { attempts: this.#running.size },
      'the ends of attempts could not be written to the database; they will count as those of a lost worker',
    )
  }

  /** One round; returns after how long another is due without a hint, in milliseconds. */
  async #round(): Promise<number> {
    if (performance.now() >= this.#lookAt) {
      this.#checkDue = true
      this.#claimer.expectAll()
    }
    try {
      const claimed = await this.#claim()
      // Full hands may mean that more waits; a handler that has ended already has asked for a round itself.
      if (claimed === 0 && this.#checkDue) await this.#promoteDue()
      return Math.max(0, this.#lookAt - performance.now())
    } catch (error) {
      // Its claim may have been committed all the same.
      this.#comparedOn = undefined
      this.#lookAt = 0
      throw error
    }
  }

  /** Lets tasks wait for a slot whose time or turn has come, and looks again when the next one falls due. */
  async #promoteDue(): Promise<void> {
    this.#checkDue = false
    await this.#claimer.look()
    const dueMs = await this.#promoteNow(await readTaskDueMs(this.#deps.sql))
    this.#lookAt = performance.now() + Math.min(dueMs ?? lookIntervalMs, lookIntervalMs)
  }

  /** Lets tasks wait whose time has come, if there are any; returns after how long there will be others, in milliseconds. */
  async #promoteNow(dueMs: number | undefined): Promise<number | undefined> {
    if (dueMs !== 0) return dueMs
    const { sql, transact, actor } = this.#deps
    const due = await transact(async (tx) => {
      const tasks = await promoteDue(tx, promotedAtOnce)
      for (const { type, priority, labels, attempt, ...task } of tasks)
        tx.journal(
          taskEvent(fellDue.event, task, { actor }, { type, priority, labels, status: fellDue.status, attempt }),
        )
      return tasks
    })
    for (const { priority } of due) this.#claimer.expect(priority)
    // What is due and was not found is being started.
    return Math.max(startingMs, (await readTaskDueMs(sql)) ?? lookIntervalMs)
  }

  /** @returns how many attempts were started. */
  async #claim(): Promise<number> {
    await this.#compare()
    const free = this.#freeSlots()
    if (free.critical === 0 && this.#claiming && this.#claimer.isExpected('CRITICAL')) this.#preemption.expect()
    if (free.critical === 0 || !this.#claimer.isPromising) return 0
    const { BATCH } = this.#running.counts
    const claim = this.#deps.transact((tx) => this.#claimer.claim(tx, free, BATCH))
    const started = claim.then((attempts) => attempts.map((attempt) => this.#run(attempt)))
    this.#claimed = started
    return (await started).length
  }

  /** After a reconnection or a failed claim, sets right what runs here and the database does not know, and the reverse. */
  async #compare(): Promise<void> {
    const { connection } = this.#deps.session
    if (connection === undefined || connection === this.#comparedOn || !this.#claiming) return
    const runningHere = this.#running.all.filter(({ hasEnded }) => !hasEnded).map(({ attempt }) => attempt)
    const { lost, unheard } = await this.#recollection.compare(runningHere, (attempt) => this.#running.has(attempt))
    for (const { taskId, fence } of lost) this.stopAttempt(taskId, 'lost', { fence })
    for (const attempt of unheard) this.#run(attempt)
    this.#comparedOn = connection
  }

  #freeSlots(): FreeSlots {
    if (!this.#claiming || this.#isDraining || this.#deps.session.connection === undefined)
      return { critical: 0, shared: 0 }
    const { critical, shared } = freeSlots(this.#deps.plan, this.#running.counts)
    // Ends that can't be written must not pile up: beyond one for each slot, nothing new is begun.
    const bearable = 2 * this.#deps.plan.slots - this.#running.size
    return { critical: Math.min(critical, bearable), shared: Math.min(shared, bearable) }
  }

  #run(attempt: Attempt): void {
    const { runner, recorder } = this.#deps
    const running = new RunningAttempt(attempt, (stop) => runner.run(attempt, recorder.outputOf(attempt), stop))
    this.#running.add(running)
    if (this.#releasing) running.stop('released')
    void this.#conclude(running)
  }

  async #conclude(running: RunningAttempt): Promise<void> {
    const { recorder, log, onSettled } = this.#deps
    const { attempt } = running
    let end = await running.end
    try {
      await recorder.flush(attempt)
    } catch (error) {
      log.error({ err: error, taskId: attempt.taskId }, 'the output of a task could not be written')
    }
    // Whatever it made of being asked to stop, its caller wanted it cancelled.
    if (end.kind === 'failed' && running.stopReason === 'cancelled') end = { kind: 'stopped', by: 'cancelled' }
    onSettled(attempt, end)
    running.markEnded()
    this.#recollection.note(attempt)
    // One that was taken away has nothing to say of it any more.
    if (running.stopReason === 'lost') this.#forget(attempt)
    else this.#settler.add(attempt, end)
    this.wake()
  }

  #forget(attempt: Attempt): void {
    this.#deps.board.forget(attempt.taskId)
    this.#running.remove(attempt)
  }

  #onWritten(attempt: Attempt, { status, dueInMs }: Transition): void {
    this.#forget(attempt)
    if (status === 'SCHEDULED') this.#checkDue = true
    if (dueInMs === 0) this.#claimer.expect(attempt.priority)
    this.wake()
  }
}
