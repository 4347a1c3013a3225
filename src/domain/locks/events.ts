import type { Caller } from '#domain/access/service.ts'
import type { Actor, By, NewEntry } from '#platform/journal/entry.ts'

/** What the journal says of locks. */
const lockEventTypes = ['lock.acquired', 'lock.renewed', 'lock.released', 'lock.expired', 'lock.forced'] as const
type LockEventType = (typeof lockEventTypes)[number]

/** Left out of event lists unless asked for: a lock that is held for long is renewed again and again. */
export const quietLockEventTypes: readonly string[] = ['lock.renewed' satisfies LockEventType]

/** The data of journal entries about a lock. */
export interface LockEventData {
  readonly name: string
  readonly fence: number
  /** Of `lock.acquired` and `lock.renewed`: when the lease is over, unless it is renewed. */
  readonly expiresAt?: string
  /** How many renewals there were since the last entry about this lock, with this one; absent when there were none. */
  readonly renewals?: number
  /** Of `lock.acquired`: whose turn it was, of those who waited. */
  readonly waiterId?: string
  /** Of `lock.acquired`: what it is needed for. */
  readonly reason?: string
  /** Of those that end the lease: who held it. */
  readonly holder?: Actor
  /** Of `lock.forced`: the queue was cleared, too. */
  readonly cleared?: true
}

/** Whether the caller may see an entry about a lock, which it names. */
export function mayHearOfLock(caller: Caller, data: NewEntry['data']): boolean {
  return caller.can('entries:read', String(data['name']))
}

function lockSubject(name: string): string {
  return `lock:${name}`
}

export function lockEvent(
  type: LockEventType,
  accountId: string,
  { actor, origin }: By,
  data: LockEventData,
): NewEntry {
  return { accountId, type, subject: lockSubject(data.name), actor, origin, data: { ...data } }
}
