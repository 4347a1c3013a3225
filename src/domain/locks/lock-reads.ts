import type { Caller } from '#domain/access/service.ts'
import { invalidValue } from '#lib/errors.ts'
import { behindPrefix, prefixFault } from '#lib/key-rule.ts'
import { patternRegex } from '#lib/path-pattern.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Lock, LockTicket, Waiter } from './lock.ts'
import { checkName } from './lock-input.ts'
import { findLock, listLocks, listWaiters } from './store.ts'
import type { LockTickets } from './tickets.ts'

/** What callers read of locks. */
export function createLockReads({ sql, tickets }: { sql: Sql; tickets: LockTickets }) {
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

  return { listTickets, findTicket, find, list, queue }
}
