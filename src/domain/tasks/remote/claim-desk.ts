import { findWaitingAccounts } from '#domain/tasks/store/worker-lanes.ts'
import { noteSeen } from '#domain/tasks/store/workers.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { WorkLoop } from '#platform/work/work-loop.ts'
import type { Claimed } from './remote-claimer.ts'

/** A request that waits for tasks. */
interface Waiting {
  readonly workerId: number
  readonly types: ReadonlySet<string>
  readonly claim: () => Promise<Claimed>
  readonly served: PromiseWithResolvers<Claimed | undefined>
  /** A claim for it is under way: it waits for what comes of that, even if its time is over. */
  isClaiming: boolean
  isOver: boolean
}

/** How many requests of an account can wait at one process. */
export const maxWaitingClaims = 1_000
/** Whatever hint is missed, waiting tasks are found by then, in milliseconds. */
const lookIntervalMs = 1_000
/** How often workers that wait are noted as present, in milliseconds. */
const seenIntervalMs = 10_000

/** Where requests wait for tasks at this process: first come, first served. */
export class ClaimDesk {
  readonly #sql: Sql
  readonly #log: Logger
  readonly #waiting = new Map<string, Set<Waiting>>()
  /** Accounts whose waiting requests are being served, and whether another look has to follow. */
  readonly #serving = new Map<string, { isHinted: boolean }>()
  readonly #loop: WorkLoop
  #seenAt = 0
  #isStopped = false

  constructor({ sql, log }: { readonly sql: Sql; readonly log: Logger }) {
    this.#sql = sql
    this.#log = log
    const work = () => this.#look()
    this.#loop = new WorkLoop({ name: 'tasks for remote workers', intervalMs: lookIntervalMs, work, log })
  }

  start(): void {
    this.#loop.start()
  }

  /** Lets all who wait go without a task. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const requests of this.#waiting.values()) for (const waiting of requests) endWait(waiting)
    await this.#loop.stop()
  }

  /** How many requests of an account wait here. */
  countOf(accountId: string): number {
    return this.#waiting.get(accountId)?.size ?? 0
  }

  /** Tasks of an account may be waiting. */
  hint(accountId: string, type?: string): void {
    const requests = this.#waiting.get(accountId)
    if (requests === undefined) return
    if (type !== undefined && !requests.values().some(({ types }) => types.has(type))) return
    const serving = this.#serving.get(accountId)
    if (serving !== undefined) serving.isHinted = true
    else void this.#serve(accountId)
  }

  /** Waits until `claim` finds something, the time is over, the server stops, or `left` aborts: then for nothing. */
  async wait(
    request: Pick<Waiting, 'workerId' | 'types' | 'claim'> & { readonly accountId: string },
    waitMs: number,
    left: AbortSignal | undefined,
  ): Promise<Claimed | undefined> {
    const { accountId } = request
    if (this.#isStopped || left?.aborted) return undefined
    const waiting: Waiting = { ...request, served: Promise.withResolvers(), isClaiming: false, isOver: false }
    const requests = this.#waiting.get(accountId) ?? new Set()
    this.#waiting.set(accountId, requests.add(waiting))
    const giveUp = () => endWait(waiting)
    const timer = setTimeout(giveUp, waitMs)
    left?.addEventListener('abort', giveUp)
    // A task that came since the request looked has given its hint to nobody.
    this.hint(accountId)
    try {
      return await waiting.served.promise
    } finally {
      clearTimeout(timer)
      left?.removeEventListener('abort', giveUp)
      this.#leave(accountId, waiting)
    }
  }

  #leave(accountId: string, waiting: Waiting): void {
    const requests = this.#waiting.get(accountId)
    requests?.delete(waiting)
    if (requests?.size === 0) this.#waiting.delete(accountId)
  }

  async #serve(accountId: string): Promise<void> {
    const serving = { isHinted: true }
    this.#serving.set(accountId, serving)
    try {
      while (serving.isHinted && !this.#isStopped) {
        serving.isHinted = false
        await this.#serveOnce(accountId)
      }
    } finally {
      this.#serving.delete(accountId)
    }
  }

  async #serveOnce(accountId: string): Promise<void> {
    const exhausted = new Set<string>()
    for (const request of [...(this.#waiting.get(accountId) ?? [])]) {
      if (request.isOver || [...request.types].every((type) => exhausted.has(type))) continue
      const claimed = await this.#claimFor(accountId, request)
      if (claimed?.isExhausted) for (const type of request.types) exhausted.add(type)
    }
  }

  async #claimFor(accountId: string, request: Waiting): Promise<Claimed | undefined> {
    request.isClaiming = true
    try {
      const claimed = await request.claim()
      const isServed = claimed.leases.length > 0 || claimed.isDraining || claimed.hasLeft
      if (isServed || request.isOver) this.#answer(accountId, request, isServed ? claimed : undefined)
      return claimed
    } catch (error) {
      this.#log.debug({ err: error, accountId }, 'tasks could not be claimed for a remote worker')
      request.served.reject(error)
      this.#answer(accountId, request, undefined)
      return undefined
    } finally {
      request.isClaiming = false
    }
  }

  #answer(accountId: string, request: Waiting, claimed: Claimed | undefined): void {
    request.isOver = true
    request.served.resolve(claimed)
    this.#leave(accountId, request)
  }

  async #look(): Promise<void> {
    const accounts = [...this.#waiting.keys()]
    if (accounts.length === 0) return
    if (performance.now() - this.#seenAt > seenIntervalMs) {
      this.#seenAt = performance.now()
      const ids = accounts.flatMap((id) => [...(this.#waiting.get(id) ?? [])].map(({ workerId }) => workerId))
      await noteSeen(this.#sql, ids)
    }
    for (const accountId of await findWaitingAccounts(this.#sql, accounts)) this.hint(accountId)
  }
}

function endWait(waiting: Waiting): void {
  waiting.isOver = true
  if (!waiting.isClaiming) waiting.served.resolve(undefined)
}
