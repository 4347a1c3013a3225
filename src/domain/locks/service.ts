import type { Caller } from '#domain/access/service.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { type Acquiring, createAcquire } from './acquire.ts'
import { mustHoldFence } from './fences.ts'
import type { LockTicket } from './lock.ts'
import { createLockChanges } from './lock-changes.ts'
import { createLockCommands } from './lock-commands.ts'
import { checkBounds, checkReason, mustBeName } from './lock-input.ts'
import { createLockReads } from './lock-reads.ts'
import { createOwnedLocks } from './owned-locks.ts'
import { deleteOverdueWaiters, findExpiredLocks, readFences } from './store.ts'
import { createLockTickets } from './tickets.ts'
import { createWaiterWatch } from './waiter-watch.ts'

export type { Fence } from './fences.ts'
export type { Lock, Waiter } from './lock.ts'

export interface LockServiceDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly log: Logger
  /** How many of one caller's requests may wait at this process; 0: no limit. */
  readonly maxWaits: number
}

/** Everything that can be done with locks; the only way in for callers. */
export type LockService = ReturnType<typeof createLockService>

const sweptAtOnce = 100

export function createLockService({ sql, transact, log, maxWaits }: LockServiceDeps) {
  const { room, change, advance } = createLockChanges({ transact, log })
  const tickets = createLockTickets({ sql, change })

  /** Takes a lock, or queues for it without waiting. @throws {InvalidInput} @throws {LockHeld} when its queue is full */
  async function request(
    caller: Caller,
    { name, ttlMs, reason }: { name: string } & Pick<Acquiring, 'ttlMs' | 'reason'>,
  ): Promise<LockTicket> {
    mustBeName(caller, name)
    checkBounds({ ttlMs })
    checkReason(reason)
    return tickets.request(caller, name, { ttlMs, ...(reason && { reason }) })
  }

  /** @throws {LockTicketNotFound} @throws {NotLockHolder} */
  async function releaseTicket(caller: Caller, name: string, id: string): Promise<LockTicket> {
    mustBeName(caller, name)
    return tickets.release(caller, name, id)
  }

  const { acquire, acquireAny } = createAcquire({ sql, room, change, maxWaits })
  return {
    acquire,
    owned: createOwnedLocks({ sql, change, acquireAny }),
    ...createLockCommands({ change }),
    request,
    releaseTicket,
    ...createLockReads({ sql, tickets }),
    ...createWaiterWatch({ sql, room, log }),
    /** With which fences locks are held, for a transaction that writes under them. */
    heldFences: (tx: Transaction, accountId: string, names: readonly string[]) => readFences(tx, accountId, names),
    mustHoldFence,
    /** Ends leases that are over, about 100 at most; several processes may do so at once. */
    async sweep(): Promise<void> {
      for (const { accountId, name } of await findExpiredLocks(sql, sweptAtOnce)) await advance(accountId, name)
      await deleteOverdueWaiters(sql, sweptAtOnce)
    },
    /** Lets all who wait here go without a lock. */
    stop: () => room.close(),
  }
}
