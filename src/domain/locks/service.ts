import type { Caller } from '#domain/access/service.ts'
import { invalidInput, invalidValue } from '#lib/errors.ts'
import { newId } from '#lib/ids.ts'
import { behindPrefix, keyFault, prefixFault } from '#lib/key-rule.ts'
import { patternRegex } from '#lib/path-pattern.ts'
import { shareLockOfAccount } from '#platform/database/account-lock.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { LockChange } from './changes.ts'
import { FenceLost, LockHeld, LockNotFound, NotLockHolder, queueCleared } from './errors.ts'
import type { LockEventData } from './events.ts'
import { bounds, type HeldLock, type Lock, type LockTicket, maxWaiters, type Waiter } from './lock.ts'
import {
  deleteOverdueWaiters,
  deleteWaiter,
  findExpiredLocks,
  findGranted,
  findLock,
  insertWaiter,
  listLocks,
  listWaiters,
  readFences,
  tellPresent,
} from './store.ts'
import { createLockTickets } from './tickets.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface LockServiceDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly log: Logger
  /** How many of one caller's requests may wait at this process; 0: no limit. */
  readonly maxWaits: number
}

/** Everything that can be done with locks; the only way in for callers. */
export type LockService = ReturnType<typeof createLockService>

export interface Acquiring {
  readonly name: string
  /** How long the lease lasts unless it is renewed, in milliseconds: 1,000 to a day. */
  readonly ttlMs: number
  /** How long to wait for it, in milliseconds: at most five minutes; 0: not at all. */
  readonly waitMs: number
}

/** What proves that a caller holds a lock. */
export interface Held {
  readonly name: string
  readonly fence: number
}

/** What a lock's holder shows, so that nothing is written in its name once it has lost the lock. */
export interface Fence {
  readonly lock: string
  readonly fence: number
}

const sweptAtOnce = 100

export function createLockService({ sql, transact, log, maxWaits }: LockServiceDeps) {
  const room = new WaitingRoom((accountId, name) => void advance(accountId, name).catch(later(accountId, name)))

  /** Changes a lock in a commit of its own, and notifies the caller that acquires it as a result. */
  async function change<Result>(
    accountId: string,
    name: string,
    work: (lock: LockChange, tx: Transaction) => Result,
  ): Promise<Result> {
    const { result, lock } = await transact(async (tx) => {
      const lock = await LockChange.open(tx, accountId, name)
      return { result: work(lock, tx), lock }
    })
    if (lock.granted !== undefined) room.grant(lock.granted.waiterId, lock.granted.lock)
    const { now } = lock.opening
    if (lock.lock !== undefined) room.lookAfter(accountId, name, lock.lock.expiresAt.getTime() - now.getTime())
    return result
  }

  /** Ends a lease that is over, and passes the lock on. */
  async function advance(accountId: string, name: string): Promise<void> {
    await change(accountId, name, () => undefined)
  }

  function later(accountId: string, name: string) {
    return (error: unknown) => {
      log.warn({ err: error }, 'a lock could not be looked after; trying again')
      room.lookAfter(accountId, name, 1_000)
    }
  }

  /**
   * Takes a lock, or waits for it in the order of asking; `left` takes the caller out of the queue, and a lock back that
   * was just granted. @throws {LockHeld} @throws {InvalidInput}
   */
  async function acquire(caller: Caller, asked: Acquiring, left?: AbortSignal): Promise<Lock> {
    const { name, ttlMs, waitMs } = asked
    caller.must('entries:write', name)
    checkName(name)
    checkBounds({ ttlMs, waitMs })
    const { accountId } = caller
    const id = newId()
    const granted = room.enter(id, accountId, name)
    try {
      const answer = await change(accountId, name, (lock, tx) => take(lock, tx, caller, asked, id))
      if (answer instanceof LockHeld) throw answer
      if (answer !== 'queued') return await unlessLeft(accountId, answer, left)
      room.commit(id)
      return await waitFor(granted, { accountId, name, id, waitMs }, left)
    } finally {
      room.leave(id)
    }
  }

  function take(
    change: LockChange,
    tx: Transaction,
    caller: Caller,
    { name, ttlMs, waitMs }: Acquiring,
    id: string,
  ): Lock | 'queued' | LockHeld {
    const taker = { by: caller.by(), principalId: caller.principalId }
    if (change.lock === undefined) return change.give(taker, ttlMs)
    if (waitMs === 0) return new LockHeld(name, change.lock)
    const { now, waiting } = change.opening
    if (waiting >= maxWaiters) return new LockHeld(name, change.lock, `and ${waiting} wait for it already`)
    if (maxWaits > 0 && room.queuedFor(caller.limitKey) >= maxWaits)
      return new LockHeld(name, change.lock, `and ${maxWaits} requests of this caller wait for locks already`)
    room.queue(id, caller.limitKey)
    // The entry follows when the turn has come, or there is none because nothing came of it.
    tx.quiet('a place in a queue')
    insertWaiter(tx, caller.accountId, { name, id, ...taker, ttlMs, queuedAt: now, until: change.after(waitMs) })
    return 'queued'
  }

  async function waitFor(
    granted: Promise<Lock | 'dismissed' | undefined>,
    { accountId, name, id, waitMs }: { accountId: string; name: string; id: string; waitMs: number },
    left: AbortSignal | undefined,
  ): Promise<Lock> {
    const over = Promise.withResolvers<undefined>()
    const end = () => over.resolve(undefined)
    const timer = setTimeout(end, waitMs)
    left?.addEventListener('abort', end, { once: true })
    if (left?.aborted) end()
    const answer = await Promise.race([granted, over.promise])
    clearTimeout(timer)
    left?.removeEventListener('abort', end)
    if (answer === 'dismissed') throw new LockHeld(name, undefined, queueCleared)
    const lock = answer ?? (await giveUp(id))
    if (lock !== undefined) return unlessLeft(accountId, lock, left)
    throw new LockHeld(name, await findLock(sql, accountId, name))
  }

  /** A lock that nobody is there for any more goes to the next. */
  async function unlessLeft(accountId: string, lock: Lock, left: AbortSignal | undefined): Promise<Lock> {
    if (left?.aborted) await letGo(accountId, lock)
    return lock
  }

  /** Leaves the queue; the lock, when the turn had come meanwhile. */
  async function giveUp(id: string): Promise<Lock | undefined> {
    if (await deleteWaiter(sql, id)) return undefined
    return (await findGranted(sql, [id])).get(id)
  }

  async function letGo(accountId: string, { name, fence, holder }: Lock): Promise<void> {
    await change(accountId, name, (change) => {
      if (change.lock?.fence === fence) change.end('lock.released', { actor: holder })
    })
  }

  /** Lets the caller's own lease last for so long from now. @throws {FenceLost} @throws {NotLockHolder} @throws {InvalidInput} */
  async function renew(caller: Caller, { name, fence }: Held, ttlMs: number): Promise<Lock> {
    mustBeName(caller, name)
    checkBounds({ ttlMs })
    return answered(
      caller,
      await change(caller.accountId, name, (change) => {
        const lock = ownLock(caller, change, { name, fence })
        return lock instanceof Error ? lock : change.renew(lock, caller.by(), ttlMs)
      }),
    )
  }

  /** Releases the caller's own lock, which goes to the first waiter. @throws {FenceLost} @throws {NotLockHolder} */
  async function release(caller: Caller, { name, fence }: Held): Promise<Lock> {
    mustBeName(caller, name)
    return answered(
      caller,
      await change(caller.accountId, name, (change) => {
        const lock = ownLock(caller, change, { name, fence })
        if (!(lock instanceof Error)) change.end('lock.released', caller.by())
        return lock
      }),
    )
  }

  /**
   * Takes a lock away from its holder, whose fence is void from then on. `queue`: those who wait for it
   * are sent away, too. @throws {LockNotFound}
   */
  async function forceRelease(caller: Caller, name: string, { queue = false } = {}): Promise<Lock> {
    caller.must('access:admin')
    checkName(name)
    return answered(
      caller,
      await change(caller.accountId, name, (change) => {
        const { lock } = change
        if (lock === undefined) return new LockNotFound(name)
        if (queue) change.clear(caller.by())
        else change.end('lock.forced', caller.by())
        return lock
      }),
    )
  }

  const tickets = createLockTickets({ sql, change })

  /** Takes a lock, or queues for it without waiting. @throws {InvalidInput} @throws {LockHeld} when its queue is full */
  async function request(caller: Caller, { name, ttlMs }: Omit<Acquiring, 'waitMs'>): Promise<LockTicket> {
    mustBeName(caller, name)
    checkBounds({ ttlMs })
    return tickets.request(caller, name, ttlMs)
  }

  /** @throws {LockTicketNotFound} @throws {NotLockHolder} */
  async function releaseTicket(caller: Caller, name: string, id: string): Promise<LockTicket> {
    mustBeName(caller, name)
    return tickets.release(caller, name, id)
  }

  /** Up to `limit` tickets of a lock: the holder's first, then the queue in the order of turns. */
  async function listTickets(caller: Caller, name: string, limit: number): Promise<LockTicket[]> {
    caller.must('entries:read', name)
    checkName(name)
    return tickets.list(caller, name, limit)
  }

  /** One ticket of a lock, while it waits or holds the lock. */
  async function findTicket(caller: Caller, name: string, id: string): Promise<LockTicket | undefined> {
    caller.must('entries:read', name)
    checkName(name)
    return tickets.find(caller, name, id)
  }

  /** The lock, while somebody holds it. */
  async function find(caller: Caller, name: string): Promise<Lock | undefined> {
    caller.must('entries:read', name)
    checkName(name)
    return findLock(sql, caller.accountId, name)
  }

  /** Up to `limit` locks that are held and whose names begin with this, behind a name, by the bytes of their names. */
  async function list(caller: Caller, prefix: string, after: string, limit: number): Promise<Lock[]> {
    const patterns = caller.mustSomewhere('entries:read')?.map(patternRegex) ?? null
    const message = prefixFault(prefix)
    if (message !== undefined) throw invalidValue('The prefix', 'prefix', message)
    const range = { from: prefix, to: behindPrefix(prefix), after, patterns }
    return listLocks(sql, caller.accountId, range, limit)
  }

  /** Up to `limit` of those who wait for a lock, in the order of their turns. */
  async function queue(caller: Caller, name: string, limit: number): Promise<Waiter[]> {
    caller.must('entries:read', name)
    return listWaiters(sql, caller.accountId, name, limit)
  }

  /** What other processes did, by the journal: somebody's turn has come who waits here, or a queue was cleared. */
  function onJournalEntry({ accountId, type, actor, at, data }: JournalEntry): void {
    if (type === 'lock.forced' && data['cleared'] === true) {
      // A waiter that misses it now finds out within two seconds.
      const lookedFor = lookFor(room.idsOf(accountId, String(data['name'])))
      lookedFor.catch((error: unknown) => log.warn({ err: error }, 'a cleared queue could not be looked at'))
    }
    if (type !== 'lock.acquired') return
    const { name, fence, expiresAt = '', waiterId } = data as unknown as LockEventData
    const lock = { name, fence, holder: actor, acquiredAt: at, expiresAt: new Date(expiresAt) }
    if (waiterId !== undefined) room.grant(waiterId, lock)
    room.lookAfter(accountId, name, lock.expiresAt.getTime() - Date.now())
  }

  /** Says that those who wait here still do, and finds what they were not told; to be called every two seconds. */
  function keepPresence(): Promise<void> {
    return lookFor(room.ids)
  }

  /** Says that these still wait; for those who are in no queue any more, the wait is over, with the lock or without. */
  async function lookFor(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    // Those who are just being put into a queue can't be found there yet.
    const committed = room.committed(ids)
    const present = await tellPresent(sql, ids)
    const gone = ids.filter((id) => !present.has(id))
    if (gone.length === 0) return
    const granted = await findGranted(sql, gone)
    for (const id of gone) {
      const lock = granted.get(id)
      if (lock !== undefined) room.grant(id, lock)
      else if (committed.has(id)) room.dismiss(id)
    }
  }

  return {
    acquire,
    renew,
    release,
    forceRelease,
    request,
    releaseTicket,
    listTickets,
    findTicket,
    find,
    list,
    queue,
    onJournalEntry,
    keepPresence,
    /** With which fences locks are held, for a transaction that writes under them. */
    heldFences: (tx: Transaction, accountId: string, names: readonly string[]) => readFences(tx, accountId, names),
    /**
     * For any transaction that writes in the name of a lock's holder: until it ends the lock does not change hands.
     * @throws {FenceLost}
     */
    async mustHoldFence(tx: Transaction, accountId: string, fence: Fence): Promise<void> {
      // The row's lock would do, but writers who follow each other closely could keep the next holder out with it for ever.
      tx.beside(shareLockOfAccount(tx, accountId, 'entries'))
      checkFence(fence, (await readFences(tx, accountId, [fence.lock])).get(fence.lock))
    },
    /** Ends leases that are over, about 100 at most; several processes may do so at once. */
    async sweep(): Promise<void> {
      for (const { accountId, name } of await findExpiredLocks(sql, sweptAtOnce)) await advance(accountId, name)
      await deleteOverdueWaiters(sql, sweptAtOnce)
    },
    /** Lets all who wait here go without a lock. */
    stop: () => room.close(),
  }
}

/** @throws {FenceLost} unless the lock is held with this fence. */
export function checkFence({ lock, fence }: Fence, held: number | undefined): void {
  if (held !== fence) throw new FenceLost(lock, fence, held)
}

/** The lock, if it is held with this fence and by this caller; the fence alone proves nothing, since readers see it. */
function ownLock(caller: Caller, { lock }: LockChange, { name, fence }: Held): HeldLock | FenceLost | NotLockHolder {
  if (lock?.fence !== fence) return new FenceLost(name, fence, lock?.fence)
  return lock.principalId === caller.principalId ? lock : new NotLockHolder(name, lock.holder)
}

function answered(caller: Caller, answer: Lock | FenceLost | LockNotFound | NotLockHolder): Lock {
  if (answer instanceof NotLockHolder) caller.lacks(['access:admin'], answer.lock)
  if (answer instanceof Error) throw answer
  return answer
}

function mustBeName(caller: Caller, name: string): void {
  caller.must('entries:write', name)
  checkName(name)
}

function checkName(name: string): void {
  const message = keyFault(name)
  if (message !== undefined) throw invalidValue("The lock's name", 'name', message)
}

function checkBounds(asked: Partial<Record<keyof typeof bounds, number>>): void {
  const issues = (['ttlMs', 'waitMs'] as const).flatMap((path) => {
    const value = asked[path]
    const { min, max } = bounds[path]
    if (value === undefined || (Number.isSafeInteger(value) && value >= min && value <= max)) return []
    return [{ path, message: `must be a whole number from ${min} to ${max}` }]
  })
  if (issues.length === 0) return
  throw invalidInput('The lock', issues)
}
