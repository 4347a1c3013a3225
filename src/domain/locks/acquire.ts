import type { Caller } from '#domain/access/service.ts'
import { newId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { LockChange } from './changes.ts'
import { LockHeld } from './errors.ts'
import { type Lock, maxWaiters } from './lock.ts'
import type { LockChanges } from './lock-changes.ts'
import { checkBounds, checkName, checkReason, namesOf } from './lock-input.ts'
import { createLockWaits, othersToo, type Place } from './lock-waits.ts'
import { insertWaiter } from './store.ts'

export interface AcquireDeps extends Pick<LockChanges, 'room' | 'change'> {
  readonly sql: Sql
  /** How many of one caller's requests may wait at this process; 0: no limit. */
  readonly maxWaits: number
}

export interface Acquiring {
  /** The lock, unless `anyOf` has several. */
  readonly name?: string | null | undefined
  /** Whichever of these is free first; the first of those that are free now. */
  readonly anyOf?: readonly string[] | null | undefined
  /** How long the lease lasts unless it is renewed, in milliseconds: 1,000 to a day. */
  readonly ttlMs: number
  /** How long to wait for it, in milliseconds: at most five minutes; 0: not at all. */
  readonly waitMs: number
  /** What it is needed for. */
  readonly reason?: string | null | undefined
}

/** For how long a lock is wanted, and waited for. */
export interface Wish extends Pick<Acquiring, 'ttlMs' | 'waitMs' | 'reason'> {
  /** Writes what is one commit with the lock; not called for a lock that had to be waited for. */
  alongside?(tx: Transaction, lock: Lock): void
}

/** The commands that take a lock, and wait for it where they are asked to. */
export function createAcquire({ sql, room, change, maxWaits }: AcquireDeps) {
  const { waitForAny, leaveAll, unlessLeft } = createLockWaits({ sql, change })

  /**
   * Takes a lock, or any of several, or waits in the order of asking; `left` takes the caller out of the queues, and a lock
   * back that was just granted. @throws {LockHeld} @throws {InvalidInput}
   */
  async function acquire(caller: Caller, asked: Acquiring, left?: AbortSignal): Promise<Lock> {
    const names = namesOf(asked)
    for (const name of names) {
      caller.must('entries:write', name)
      checkName(name)
    }
    checkBounds({ ttlMs: asked.ttlMs, waitMs: asked.waitMs })
    checkReason(asked.reason)
    return acquireAny(caller, names, asked, left)
  }

  /** As {@link acquire}, for callers that have the right to these locks, whose names and times are valid. */
  async function acquireAny(caller: Caller, names: readonly string[], wish: Wish, left?: AbortSignal): Promise<Lock> {
    const { accountId } = caller
    const places = names.map((name): Place => {
      const id = newId()
      return { name, id, granted: room.enter(id, accountId, name) }
    })
    const queued: Place[] = []
    try {
      // Of several, one that is free goes before those that others hold.
      if (places.length > 1 && wish.waitMs > 0) {
        const free = await takeFirst(caller, places, { ...wish, waitMs: 0 }, [])
        if (!(free instanceof LockHeld)) return await unlessLeft(accountId, free, left)
      }
      const answer = await takeFirst(caller, places, wish, queued)
      if (!(answer instanceof LockHeld)) return await unlessLeft(accountId, answer, left)
      if (queued.length === 0) throw answer
      return await unlessLeft(accountId, await waitForAny(accountId, queued, wish.waitMs, left), left)
    } finally {
      for (const { id } of places) room.leave(id)
    }
  }

  /** Asks for each until one is given; those whose queue was entered are added to `queued`, and left when one is given. */
  async function takeFirst(
    caller: Caller,
    places: readonly Place[],
    wish: Wish,
    queued: Place[],
  ): Promise<Lock | LockHeld> {
    let refusal: LockHeld | undefined
    for (const place of places) {
      const isFirst = queued.length === 0
      const answer = await change(caller.accountId, place.name, (lock, tx) =>
        take({ room, maxWaits }, lock, tx, caller, { ...wish, ...place, isFirst }),
      )
      if (answer instanceof LockHeld) refusal ??= answer
      else if (answer !== 'queued') {
        await leaveAll(caller.accountId, queued)
        return answer
      } else {
        room.commit(place.id)
        queued.push(place)
      }
    }
    const [first] = places
    return refusal === undefined || places.length > 1
      ? new LockHeld(first?.name ?? '', refusal?.lock, othersToo(places.length))
      : refusal
  }

  return { acquire, acquireAny }
}

/** Gives the lock if it is free, or enters its queue. */
function take(
  { room, maxWaits }: Pick<AcquireDeps, 'room' | 'maxWaits'>,
  change: LockChange,
  tx: Transaction,
  caller: Caller,
  {
    name,
    id,
    ttlMs,
    waitMs,
    reason = null,
    isFirst,
    alongside,
  }: Wish & Pick<Place, 'name' | 'id'> & { isFirst: boolean },
): Lock | 'queued' | LockHeld {
  const taker = { by: caller.by(), principalId: caller.principalId, reason }
  if (change.lock === undefined) {
    const lock = change.give(taker, ttlMs)
    alongside?.(tx, lock)
    return lock
  }
  if (waitMs === 0) return new LockHeld(name, change.lock)
  const { now, waiting } = change.opening
  if (waiting >= maxWaiters) return new LockHeld(name, change.lock, `and ${waiting} wait for it already`)
  if (isFirst) {
    if (maxWaits > 0 && room.queuedFor(caller.limitKey) >= maxWaits)
      return new LockHeld(name, change.lock, `and ${maxWaits} requests of this caller wait for locks already`)
    room.queue(id, caller.limitKey)
  }
  // The entry follows when the turn has come, or there is none because nothing came of it.
  tx.quiet('a place in a queue')
  insertWaiter(tx, caller.accountId, { name, id, ...taker, ttlMs, queuedAt: now, until: change.after(waitMs) })
  return 'queued'
}
