import type { Caller } from '#domain/access/service.ts'
import { newId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { LockChange } from './changes.ts'
import { LockHeld, queueCleared } from './errors.ts'
import { type Lock, maxWaiters } from './lock.ts'
import type { LockChanges } from './lock-changes.ts'
import { checkBounds, checkName } from './lock-input.ts'
import { deleteWaiter, findGranted, findLock, insertWaiter } from './store.ts'

export interface AcquireDeps extends Pick<LockChanges, 'room' | 'change'> {
  readonly sql: Sql
  /** How many of one caller's requests may wait at this process; 0: no limit. */
  readonly maxWaits: number
}

export interface Acquiring {
  readonly name: string
  /** How long the lease lasts unless it is renewed, in milliseconds: 1,000 to a day. */
  readonly ttlMs: number
  /** How long to wait for it, in milliseconds: at most five minutes; 0: not at all. */
  readonly waitMs: number
}

/** The command that takes a lock, and waits for it where it is asked to. */
export function createAcquire({ sql, room, change, maxWaits }: AcquireDeps) {
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

  return acquire
}
