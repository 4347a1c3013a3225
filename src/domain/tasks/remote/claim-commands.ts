import type { Caller } from '#domain/access/service.ts'
import { TooManyClaims, UnknownTaskType } from '#domain/tasks/errors.ts'
import { deleteLeases, lockAttempt } from '#domain/tasks/store/leases.ts'
import { writeEnds } from '#domain/tasks/write-ends.ts'
import type { Clock } from '#lib/clock.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { type ClaimDesk, maxWaitingClaims } from './claim-desk.ts'
import { type Claim, type ClaimRequest, parseClaim } from './claim-request.ts'
import { createPresence } from './presence.ts'
import type { RegisteredTypes } from './registered-types.ts'
import type { Claimed, RemoteClaimer, TaskLease } from './remote-claimer.ts'
import { maxWaitMs } from './remote-worker.ts'

export interface ClaimCommandsDeps {
  readonly transact: Transact
  readonly queue: Queue
  readonly clock: Clock
  readonly registered: RegisteredTypes
  readonly claimer: RemoteClaimer
  readonly desk: ClaimDesk
}

/** What a claim answers with. */
export interface ClaimAnswer {
  readonly leases: readonly TaskLease[]
  readonly workerId: number
  /** How many leases the worker can have at once. */
  readonly slots: number
  /** The worker is to claim nothing more. */
  readonly draining: boolean
}

/** What a stream rests where its worker has no slot left, in milliseconds. */
const fullRestMs = 250

/** The commands by which remote workers take tasks. */
export function createClaimCommands(deps: ClaimCommandsDeps) {
  const { transact, queue, clock, registered, claimer, desk } = deps
  const { present, forget } = createPresence(deps)

  /**
   * Takes tasks that wait, or the first that come within `waitMs`. `left` aborts when the caller is gone: what was just
   * taken waits again. @throws {InvalidInput} @throws {Forbidden} @throws {UnknownTaskType} @throws {TooManyClaims}
   */
  async function claimTasks(caller: Caller, request: ClaimRequest, left?: AbortSignal): Promise<ClaimAnswer> {
    return claimOnce(caller, await check(caller, request), left)
  }

  async function check(caller: Caller, request: ClaimRequest): Promise<Claim> {
    const claim = parseClaim(request)
    const types = [...new Set(claim.types)]
    for (const type of types) caller.must('tasks:work', type)
    const found = await registered.find(caller.accountId, types)
    const unknown = types.find((type) => !found.has(type))
    if (unknown === undefined) return { ...claim, types }
    const all = await registered.list(caller.accountId)
    throw new UnknownTaskType(
      unknown,
      all.map(({ name }) => name),
    )
  }

  async function claimOnce(caller: Caller, claim: Claim, left: AbortSignal | undefined): Promise<ClaimAnswer> {
    const { accountId } = caller
    let workerId = await present(caller, claim)
    const take = () => claimer.claim(caller, workerId, claim)
    let claimed = await take()
    if (claimed.hasLeft) {
      // It was taken off the list since it was noted.
      forget(caller, claim)
      workerId = await present(caller, claim)
      claimed = await take()
    }
    const isWorthWaiting = claimed.leases.length === 0 && !claimed.isDraining && !claimed.hasLeft
    if (isWorthWaiting && claim.waitMs > 0) {
      if (desk.countOf(accountId) >= maxWaitingClaims) throw new TooManyClaims(maxWaitingClaims)
      const request = { accountId, workerId, types: new Set(claim.types), claim: take }
      claimed = (await desk.wait(request, claim.waitMs, left)) ?? claimed
    }
    if (left?.aborted && claimed.leases.length > 0) {
      await giveBack(caller, claimed)
      claimed = { ...claimed, leases: [] }
    }
    const { leases, slots, isDraining: draining } = claimed
    return { leases, workerId, slots, draining }
  }

  /** Lets tasks wait again that were taken for somebody who is gone. */
  async function giveBack(caller: Caller, { leases }: Claimed): Promise<void> {
    await transact(async (tx) => {
      const ends = []
      for (const { attempt } of leases) {
        const current = await lockAttempt(tx, attempt.accountId, attempt.taskId)
        if (current?.fence === attempt.fence && current.status === 'ACTIVE')
          ends.push({ attempt, end: { kind: 'stopped', by: 'released' } as const })
      }
      await deleteLeases(
        tx,
        ends.map(({ attempt }) => attempt),
      )
      await writeEnds({ tx, queue, now: clock.now(), ...caller.by() }, ends)
      tx.quiet('leases that nobody has received')
    })
  }

  /**
   * The leases of tasks as they come, one at a time, as long as the worker has slots for them; ends when the worker is to
   * claim nothing more. @throws as {@link claimTasks}
   */
  async function offers(
    caller: Caller,
    request: Omit<ClaimRequest, 'max' | 'waitMs'>,
    left: AbortSignal,
  ): Promise<AsyncGenerator<TaskLease>> {
    const claim = await check(caller, { ...request, max: 1, waitMs: maxWaitMs, slots: request.slots ?? 1 })
    return abortable(left, (ended) => stream(caller, claim, ended))
  }

  async function* stream(caller: Caller, claim: Claim, left: AbortSignal): AsyncGenerator<TaskLease> {
    while (!left.aborted) {
      const { leases, draining } = await claimOnce(caller, claim, left)
      if (draining) return
      yield* leases
      if (leases.length === 0) await rest(fullRestMs, left)
    }
  }

  return { claimTasks, offers }
}

/** A stream whose signal aborts with `left`, and when its reader ends it, though it is waiting. */
function abortable<Item>(left: AbortSignal, open: (ended: AbortSignal) => AsyncGenerator<Item>): AsyncGenerator<Item> {
  const own = new AbortController()
  const inner = open(AbortSignal.any([left, own.signal]))
  return {
    next: () => inner.next(),
    return: (value) => {
      own.abort()
      return inner.return(value)
    },
    throw: (error) => {
      own.abort()
      return inner.throw(error)
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await this.return(undefined)
    },
  }
}

function rest(ms: number, left: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    left.addEventListener('abort', done)
    function done() {
      clearTimeout(timer)
      left.removeEventListener('abort', done)
      resolve()
    }
  })
}
