import type { Caller } from '#domain/access/service.ts'
import { newId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import { LockHeld, LockTicketNotFound, NotLockHolder } from './errors.ts'
import { bounds, type LockTicket, maxWaiters } from './lock.ts'
import type { LockChanges } from './lock-changes.ts'
import { deleteWaiter, insertWaiter, listTickets, type TicketRow } from './store.ts'

export interface LockTicketDeps extends Pick<LockChanges, 'change'> {
  readonly sql: Sql
}

export type LockTickets = ReturnType<typeof createLockTickets>

/** For callers that ask for a lock now and look later whether they hold it; they have the right and the name is valid. */
export function createLockTickets({ sql, change }: LockTicketDeps) {
  /**
   * Takes a lock that nobody holds, or queues for it, for at most a day; its lease begins when the turn has come,
   * whether or not anybody looks. @throws {LockHeld} when its queue is full
   */
  async function request(
    caller: Caller,
    name: string,
    { ttlMs, reason = null }: { ttlMs: number; reason?: string | null },
  ): Promise<LockTicket> {
    const id = newId()
    const taker = { by: caller.by(), principalId: caller.principalId, reason }
    const full = await change(caller.accountId, name, (lock, tx) => {
      if (lock.lock === undefined) return void lock.give(taker, ttlMs, id)
      const { now, waiting } = lock.opening
      if (waiting >= maxWaiters) return new LockHeld(name, lock.lock, `and ${waiting} wait for it already`)
      tx.quiet('a place in a queue')
      const waiter = { name, id, ...taker, ttlMs, queuedAt: now, until: lock.after(bounds.queuedMs) }
      return insertWaiter(tx, caller.accountId, waiter, { isTicket: true })
    })
    if (full !== undefined) throw full
    return get(caller, name, id)
  }

  /** The holder's ticket and those in the queue, in the order of their turns. */
  async function list(caller: Caller, name: string, limit: number): Promise<LockTicket[]> {
    return (await listTickets(sql, caller.accountId, name, { limit })).map(toTicket)
  }

  async function find(caller: Caller, name: string, id: string): Promise<LockTicket | undefined> {
    const [row] = await listTickets(sql, caller.accountId, name, { id, limit: 1 })
    return row && toTicket(row)
  }

  /** @throws {LockTicketNotFound} */
  async function get(caller: Caller, name: string, id: string): Promise<LockTicket> {
    const ticket = await find(caller, name, id)
    if (ticket === undefined) throw new LockTicketNotFound(name, id)
    return ticket
  }

  /**
   * Releases the lock that is held with this ticket, or leaves its queue. Others' tickets are for callers who administer
   * the account. @throws {LockTicketNotFound} @throws {NotLockHolder}
   */
  async function release(caller: Caller, name: string, id: string): Promise<LockTicket> {
    for (;;) {
      const [row] = await listTickets(sql, caller.accountId, name, { id, limit: 1 })
      if (row === undefined) throw new LockTicketNotFound(name, id)
      mustOwn(caller, name, row)
      const isReleased = row.fence === null ? await deleteWaiter(sql, id) : await end(caller, name, row)
      if (isReleased) return { ...toTicket(row), status: 'RELEASED', position: 0 }
      // Its turn has come, or it has ended, since it was read.
    }
  }

  function end(caller: Caller, name: string, { fence, principalId }: TicketRow): Promise<boolean> {
    const type = principalId === caller.principalId ? 'lock.released' : 'lock.forced'
    return change(caller.accountId, name, (lock) => {
      if (lock.lock === undefined || lock.lock.fence !== Number(fence)) return false
      lock.end(type, caller.by())
      return true
    })
  }

  return { request, list, find, release }
}

function mustOwn(caller: Caller, name: string, { principalId, actor }: TicketRow): void {
  if (principalId === caller.principalId || caller.can('access:admin')) return
  caller.lacks(['access:admin'], name)
  throw new NotLockHolder(name, actor)
}

function toTicket({ principalId: _, fence, ...row }: TicketRow): LockTicket {
  return fence === null
    ? { ...row, status: 'QUEUED', fence: null }
    : { ...row, status: 'ACQUIRED', fence: Number(fence) }
}
