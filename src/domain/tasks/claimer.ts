import type { QuotaService } from '#domain/quotas/service.ts'
import type { Clock } from '#lib/clock.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { ClaimedJob, NewJob, Queue } from '#platform/queue/queue.ts'
import type { Wake } from '#platform/wake/wake.ts'
import { isBatchOpen } from './batch-window.ts'
import { type ClaimStep, claimSteps, type FreeSlots, type SlotPlan } from './claim-policy.ts'
import { limitedTypes } from './gate.ts'
import { type AttemptJob, attemptJob, queueOf } from './jobs.ts'
import { moveDueTasks } from './remote/due-tasks.ts'
import { startWithinLimits } from './start-attempts.ts'
import type { JobRef } from './store/attempts.ts'
import { holdForQuota } from './store/held.ts'
import { findPausingAccounts } from './store/pauses.ts'
import { advanceClock, type ShareRef } from './store/shares.ts'
import { type Attempt, type Priority, priorities } from './task.ts'
import type { TaskTypes } from './task-type.ts'
import { admitWhereRoom, chooseTasks, RankedShares, type TurnJob } from './turns.ts'

export interface ClaimerDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  readonly quotas: Pick<QuotaService, 'takeRunning'>
  readonly plan: SlotPlan
  readonly types: TaskTypes
  readonly workerId: number
  readonly actor: Actor
  readonly clock: Clock
  readonly wake: Wake
}

/** After at most this time it is checked again whether an account may run more. */
const quotaDelayMs = 1_000

/** A job that was claimed, and what it stands for. */
interface QueuedJob extends TurnJob {
  readonly turn: number
}

/** Takes waiting tasks from the queues for free slots, and remembers which queues are worth a look. */
export class Claimer {
  readonly #deps: ClaimerDeps
  /** Types whose tasks are looked at before they start, whether they have a concurrency key or not. */
  readonly #limitedTypes: readonly string[]
  /** Queues that may hold due jobs: those that a hint named, or whose last claim was filled. */
  readonly #promising = new Set<Priority>(priorities)

  readonly #ranked = new RankedShares()
  /** Accounts that have paused something: each of their tasks is looked at before it starts. */
  #pausingAccounts = new Set<string>()

  constructor(deps: ClaimerDeps) {
    this.#deps = deps
    this.#limitedTypes = limitedTypes(deps.types)
  }

  /** Whether a claim could find anything. */
  get isPromising(): boolean {
    return this.#promising.size > (this.#promising.has('BATCH') && !this.#isBatchOpen ? 1 : 0)
  }

  get #isBatchOpen(): boolean {
    return isBatchOpen(this.#deps.plan.batchWindow, this.#deps.clock.now())
  }

  /** Whether a task of this priority may be due. */
  isExpected(priority: Priority): boolean {
    return this.#promising.has(priority)
  }

  /** A task of this priority may be due. */
  expect(priority: Priority): void {
    this.#promising.add(priority)
  }

  /** A task with a rank waits in this account. */
  expectRanked(share: ShareRef): void {
    this.#ranked.add(share)
  }

  /** Something is paused in this account. */
  expectPaused(accountId: string): void {
    this.#pausingAccounts.add(accountId)
  }

  /** Takes note of what waits beside the queue; sends jobs where some are missing. */
  async look(): Promise<void> {
    const { sql } = this.#deps
    await this.#ranked.read(sql)
    this.#pausingAccounts = new Set(await findPausingAccounts(sql))
    for (const priority of await admitWhereRoom(this.#deps)) this.expect(priority)
    await moveDueTasks(this.#deps)
  }

  expectAll(): void {
    for (const priority of priorities) this.#promising.add(priority)
  }

  /** Starts attempts for as many tasks as there are free slots, as far as their accounts may run them. */
  async claim(tx: Transaction, free: FreeSlots, runningBatch: number): Promise<Attempt[]> {
    const jobs: QueuedJob[] = []
    const steps = claimSteps(this.#deps.plan, free, runningBatch, this.#isBatchOpen)
    let step = steps.next(0)
    while (!step.done) {
      const found = await this.#claimStep(tx, step.value)
      jobs.push(...found)
      step = steps.next(found.length)
    }
    return this.#start(tx, jobs)
  }

  async #claimStep(tx: Transaction, { priority, limit }: ClaimStep): Promise<QueuedJob[]> {
    if (limit <= 0 || !this.#promising.has(priority)) return []
    // Before the query: a hint that comes while it runs must not be lost.
    this.#promising.delete(priority)
    const queue = queueOf[priority]
    const jobs = await this.#deps.queue.claim(tx, queue, limit)
    if (jobs.length === limit) this.#promising.add(priority)
    const last = jobs.at(-1)
    if (last !== undefined) tx.beside(advanceClock(tx, priority, last.turn))
    return jobs.map((job) => toQueuedJob(job, priority))
  }

  /** A job whose task was cancelled, or has another job by now, stands for nothing. */
  async #start(tx: Transaction, jobs: readonly QueuedJob[]): Promise<Attempt[]> {
    if (jobs.length === 0) return []
    const granted = await this.#withinQuota(tx, jobs)
    const chosen = await chooseTasks(tx, this.#deps.queue, granted, this.#ranked)
    const unlimited = { limitedTypes: this.#limitedTypes, pausingAccounts: [...this.#pausingAccounts] }
    const attempts = await startWithinLimits(tx, this.#deps, chosen, unlimited)
    // Jobs of lanes may have been replaced though nothing started.
    if (attempts.length === 0) tx.quiet('jobs that stand for nothing')
    return attempts
  }

  /** Those that their accounts may run beside what they run; the others go back to their queue for a while. */
  async #withinQuota(tx: Transaction, jobs: readonly QueuedJob[]): Promise<readonly QueuedJob[]> {
    const { quotas, queue, clock } = this.#deps
    const granted: QueuedJob[] = []
    const deferred: NewJob[] = []
    const held: JobRef[] = []
    for (const [accountId, own] of Map.groupBy(jobs, (job) => job.accountId)) {
      const { count, waiting } = await quotas.takeRunning(accountId, own.length)
      granted.push(...own.slice(0, count))
      // The more wait, the longer, so that at most a thousand in a second are looked at in vain.
      const startAfter = new Date(clock.now().getTime() + quotaDelayMs + waiting)
      for (const { priority, jobId: id, taskId, turn, standsFor } of own.slice(count)) {
        const data: AttemptJob = { accountId, taskId, standsFor }
        deferred.push({ queue: queueOf[priority], id, data, turn, startAfter })
        if (taskId !== undefined) held.push({ accountId, taskId, jobId: id })
      }
    }
    if (deferred.length > 0) {
      tx.quiet('jobs that wait for a quota')
      await holdForQuota(tx, held)
    }
    await queue.send(tx, deferred)
    return granted
  }
}

function toQueuedJob({ id, data, turn }: ClaimedJob, priority: Priority): QueuedJob {
  return { ...attemptJob.parse(data), jobId: id, priority, turn }
}
