import type { QuotaService } from '#domain/quotas/service.ts'
import type { Clock } from '#lib/clock.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { ClaimedJob, NewJob, Queue } from '#platform/queue/queue.ts'
import { type ClaimStep, claimSteps, type FreeSlots, type SlotPlan } from './claim-policy.ts'
import { taskEvent } from './events.ts'
import { attemptJob, queueOf } from './jobs.ts'
import { started } from './state-machine.ts'
import { type JobRef, startAttempts } from './store/attempts.ts'
import { type Attempt, type Priority, priorities } from './task.ts'

export interface ClaimerDeps {
  readonly queue: Queue
  readonly quotas: Pick<QuotaService, 'takeRunning'>
  readonly plan: SlotPlan
  readonly workerId: number
  readonly actor: Actor
  readonly clock: Clock
}

/** After at most this time it is checked again whether an account may run more. */
const quotaDelayMs = 1_000

/** A job that was claimed, and what it stands for. */
interface QueuedJob extends JobRef {
  readonly queue: string
}

/** Takes waiting tasks from the queues for free slots, and remembers which queues are worth a look. */
export class Claimer {
  readonly #deps: ClaimerDeps
  /** Queues that may hold due jobs: those that a hint named, or whose last claim was filled. */
  readonly #promising = new Set<Priority>(priorities)

  constructor(deps: ClaimerDeps) {
    this.#deps = deps
  }

  /** Whether a claim could find anything. */
  get isPromising(): boolean {
    return this.#promising.size > 0
  }

  /** A task of this priority may be due. */
  expect(priority: Priority): void {
    this.#promising.add(priority)
  }

  expectAll(): void {
    for (const priority of priorities) this.#promising.add(priority)
  }

  /** Starts attempts for as many tasks as there are free slots, as far as their accounts may run them. */
  async claim(tx: Transaction, free: FreeSlots, runningBatch: number): Promise<Attempt[]> {
    const jobs: QueuedJob[] = []
    const steps = claimSteps(this.#deps.plan, free, runningBatch)
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
    return jobs.map((job) => toQueuedJob(job, queue))
  }

  /** A job whose task was cancelled, or has another job by now, stands for nothing. */
  async #start(tx: Transaction, jobs: readonly QueuedJob[]): Promise<Attempt[]> {
    if (jobs.length === 0) return []
    const attempts = await startAttempts(tx, this.#deps.workerId, await this.#withinQuota(tx, jobs))
    for (const { type, priority, labels, number, ...rest } of attempts) {
      const data = { type, priority, labels, status: started.status, attempt: number }
      tx.journal(taskEvent(started.event, rest, this.#deps, data))
    }
    return attempts
  }

  /** Those that their accounts may run beside what they run; the others go back to their queue for a while. */
  async #withinQuota(tx: Transaction, jobs: readonly QueuedJob[]): Promise<readonly QueuedJob[]> {
    const { quotas, queue, clock } = this.#deps
    const granted: QueuedJob[] = []
    const deferred: NewJob[] = []
    for (const [accountId, own] of Map.groupBy(jobs, (job) => job.accountId)) {
      const { count, waiting } = await quotas.takeRunning(accountId, own.length)
      granted.push(...own.slice(0, count))
      // The more wait, the longer, so that at most a thousand in a second are looked at in vain.
      const startAfter = new Date(clock.now().getTime() + quotaDelayMs + waiting)
      for (const { queue, jobId: id, taskId } of own.slice(count))
        deferred.push({ queue, id, data: { accountId, taskId }, startAfter })
    }
    if (deferred.length > 0) tx.quiet('jobs that wait for a quota')
    await queue.send(tx, deferred)
    return granted
  }
}

function toQueuedJob({ id, data }: ClaimedJob, queue: string): QueuedJob {
  return { ...attemptJob.parse(data), jobId: id, queue }
}
