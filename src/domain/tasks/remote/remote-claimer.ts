import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import { type BatchWindow, isBatchOpen } from '#domain/tasks/batch-window.ts'
import { claimSteps } from '#domain/tasks/claim-policy.ts'
import { type LimitHints, startWithinLimits } from '#domain/tasks/start-attempts.ts'
import type { JobRef } from '#domain/tasks/store/attempts.ts'
import { countLeases, insertLeases } from '#domain/tasks/store/leases.ts'
import { readPauses } from '#domain/tasks/store/pauses.ts'
import { findWaitingPriorities, takeForWorker } from '#domain/tasks/store/worker-lanes.ts'
import { lockWorker } from '#domain/tasks/store/workers.ts'
import type { Attempt, Priority } from '#domain/tasks/task.ts'
import { waitForWorkers } from '#domain/tasks/waiting-again.ts'
import type { Clock } from '#lib/clock.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Claim } from './claim-request.ts'
import type { RegisteredType } from './registered-type.ts'
import type { RegisteredTypes } from './registered-types.ts'

export interface RemoteClaimerDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  readonly quotas: Pick<QuotaService, 'takeRunning'>
  readonly registered: RegisteredTypes
  readonly clock: Clock
  /** When BATCH tasks may start; undefined: at any time. */
  readonly batchWindow: BatchWindow | undefined
}

/** A remote worker's right to an attempt. */
export interface TaskLease {
  readonly attempt: Attempt
  /** When it ends unless a heartbeat comes before. */
  readonly until: Date
}

/** What came of an attempt to claim. */
export interface Claimed {
  readonly leases: readonly TaskLease[]
  /** How many slots the worker has. */
  readonly slots: number
  readonly isDraining: boolean
  /** Nothing that it could claim is waiting, as far as can be told. */
  readonly isExhausted: boolean
  /** The worker was taken off the list meanwhile. */
  readonly hasLeft: boolean
}

/** How often tasks that limits hold are replaced by others in one claim. */
const maxRounds = 5

/** Takes tasks for remote workers, by the same rules as the processes of the server. */
export class RemoteClaimer {
  readonly #deps: RemoteClaimerDeps

  constructor(deps: RemoteClaimerDeps) {
    this.#deps = deps
  }

  /** Starts attempts for up to as many tasks as the worker asks for, as far as it has slots and limits let them. */
  async claim(caller: Caller, workerId: number, claim: Claim): Promise<Claimed> {
    const { sql, registered, transact } = this.#deps
    const { accountId } = caller
    const [types, priorities] = await Promise.all([
      registered.find(accountId, claim.types),
      findWaitingPriorities(sql, accountId, claim.types),
    ])
    return transact(async (tx) => {
      const worker = await lockWorker(tx, workerId)
      if (worker === undefined || worker.hasLeft) return { ...nothing, hasLeft: true }
      const held = await countLeases(tx, workerId)
      const free = Math.min(claim.max, worker.slots - held.total)
      const facts = { slots: worker.slots, isDraining: worker.isDraining, hasLeft: false }
      if (worker.isDraining || free <= 0) return { ...facts, leases: [], isExhausted: false }
      if (priorities.size === 0) return { ...facts, leases: [], isExhausted: true }
      const round = { caller, workerId, claim, types, priorities, slots: worker.slots }
      const { attempts, isExhausted } = await this.#fill(tx, round, free, held.batch)
      if (attempts.length === 0) {
        tx.quiet('turns of tasks for remote workers')
        return { ...facts, leases: [], isExhausted }
      }
      const untils = await insertLeases(tx, attempts, workerId, claim.leaseMs)
      const leases = attempts.map((attempt) => ({ attempt, until: untils.get(attempt.taskId) ?? attempt.startedAt }))
      return { ...facts, leases, isExhausted }
    })
  }

  async #fill(tx: Transaction, round: Round, free: number, heldBatch: number) {
    const { accountId } = round.caller
    const limited = [...round.types.values()].filter(({ rateLimit }) => rateLimit !== undefined)
    const isPausing = (await readPauses(tx, [accountId], 1)).length > 0
    const hints: LimitHints = {
      limitedTypes: limited.map(({ name }) => name),
      pausingAccounts: isPausing ? [accountId] : [],
    }
    const attempts: Attempt[] = []
    for (let count = 0; count < maxRounds; count += 1) {
      const wanted = free - attempts.length
      const batch = heldBatch + attempts.filter(({ priority }) => priority === 'BATCH').length
      const chosen = await this.#choose(tx, round, wanted, batch)
      const granted = await this.#withinQuota(tx, accountId, chosen)
      attempts.push(...(await this.#start(tx, round, granted, hints)))
      const isExhausted = chosen.length < wanted || granted.length < chosen.length
      if (isExhausted || attempts.length === free) return { attempts, isExhausted }
    }
    return { attempts, isExhausted: false }
  }

  async #choose(tx: Transaction, { caller, claim, priorities, slots }: Round, limit: number, runningBatch: number) {
    const chosen: JobRef[] = []
    const plan = { slots, criticalSlots: 0, batchWindow: this.#deps.batchWindow }
    const isOpen = isBatchOpen(plan.batchWindow, this.#deps.clock.now())
    const steps = claimSteps(plan, { critical: limit, shared: limit }, runningBatch, isOpen)
    let step = steps.next(0)
    while (!step.done) {
      const { priority, limit: wanted } = step.value
      const isWorthIt = wanted > 0 && priorities.has(priority)
      const lanes = { accountId: caller.accountId, types: claim.types }
      const found = isWorthIt ? await takeForWorker(tx, lanes, priority, wanted) : []
      chosen.push(...found)
      step = steps.next(found.length)
    }
    return chosen
  }

  /** Those that the account may run beside what it runs; the others wait again. */
  async #withinQuota(tx: Transaction, accountId: string, jobs: readonly JobRef[]): Promise<readonly JobRef[]> {
    if (jobs.length === 0) return []
    const { count } = await this.#deps.quotas.takeRunning(accountId, jobs.length)
    if (count < jobs.length) await waitForWorkers(tx, jobs.slice(count))
    return jobs.slice(0, count)
  }

  async #start(tx: Transaction, { caller, workerId, types }: Round, jobs: readonly JobRef[], hints: LimitHints) {
    if (jobs.length === 0) return []
    const starter = { queue: this.#deps.queue, types, workerId, ...caller.by() }
    const attempts = await startWithinLimits(tx, starter, jobs, hints)
    const places = new Map(jobs.map(({ taskId }, place) => [taskId, place]))
    return attempts.toSorted((a, b) => (places.get(a.taskId) ?? 0) - (places.get(b.taskId) ?? 0))
  }
}

interface Round {
  readonly caller: Caller
  readonly workerId: number
  readonly claim: Claim
  readonly types: ReadonlyMap<string, RegisteredType>
  readonly priorities: ReadonlySet<Priority>
  readonly slots: number
}

const nothing: Claimed = { leases: [], slots: 0, isDraining: false, isExhausted: false, hasLeft: false }
