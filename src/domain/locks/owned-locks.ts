import type { Caller } from '#domain/access/service.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { createAcquire, Wish } from './acquire.ts'
import { LockHeld } from './errors.ts'
import type { Lock, Waiter } from './lock.ts'
import type { LockChanges } from './lock-changes.ts'
import { createHeldCommands, type Held } from './lock-commands.ts'
import { checkBounds, checkReason } from './lock-input.ts'
import { findLocks, listWaiters } from './store.ts'

interface OwnedLockDeps extends Pick<LockChanges, 'change'> {
  readonly sql: Sql
  readonly acquireAny: ReturnType<typeof createAcquire>['acquireAny']
}

/**
 * Locks that stand for what another domain has, such as environments: that domain has decided that the caller may do this,
 * and gives the names.
 */
export function createOwnedLocks({ sql, change, acquireAny }: OwnedLockDeps) {
  const held = createHeldCommands({ change })

  /**
   * Takes any of these, or waits; `isUnbounded`: the lease may last for longer than a caller’s could.
   * @throws {LockHeld} @throws {InvalidInput}
   */
  async function acquire(
    caller: Caller,
    names: readonly string[],
    { isUnbounded = false, ...wish }: Wish & { readonly isUnbounded?: boolean },
    left?: AbortSignal,
  ): Promise<Lock> {
    if (!isUnbounded) checkBounds({ ttlMs: wish.ttlMs, waitMs: wish.waitMs })
    checkReason(wish.reason)
    return acquireAny(caller, names, wish, left)
  }

  /** @throws {FenceLost} @throws {NotLockHolder} @throws {InvalidInput} */
  async function renew(caller: Caller, lock: Held, ttlMs: number): Promise<Lock> {
    checkBounds({ ttlMs })
    return held.renew(caller, lock, ttlMs)
  }

  /** Takes a lock from its holder, if it has one; `queue`: sends those away, too, who wait for it. */
  async function clear(caller: Caller, name: string, { queue = true } = {}): Promise<void> {
    await change(caller.accountId, name, (lock) => {
      if (queue) lock.clear(caller.by())
      else lock.end('lock.forced', caller.by())
    })
  }

  /** Those of these locks that somebody holds, by name. */
  async function findAll(accountId: string, names: readonly string[]): Promise<ReadonlyMap<string, Lock>> {
    return names.length === 0 ? new Map() : findLocks(sql, accountId, names)
  }

  /** Up to `limit` of those who wait for a lock, in the order of their turns. */
  function queue(accountId: string, name: string, limit: number): Promise<Waiter[]> {
    return listWaiters(sql, accountId, name, limit)
  }

  /** What a refusal by {@link acquire} says: the lock as it was last seen; undefined for other errors. */
  function refusalOf(error: unknown): { readonly lock: Lock | undefined } | undefined {
    return error instanceof LockHeld ? error : undefined
  }

  return { acquire, refusalOf, renew, release: held.release, clear, findAll, queue }
}
