import type { Actor, By, NewEntry } from '#platform/journal/entry.ts'

/** What the journal says of locks. Renewals are no news. */
const lockEventTypes = ['lock.acquired', 'lock.released', 'lock.expired', 'lock.forced'] as const
type LockEventType = (typeof lockEventTypes)[number]

/** On entries of the journal that tell of a lock. */
export interface LockEventData {
  readonly name: string
  readonly fence: number
  /** Of `lock.acquired`: when the lease is over, unless it is renewed. */
  readonly expiresAt?: string
  /** Of `lock.acquired`: whose turn it was, of those who waited. */
  readonly waiterId?: string
  /** Of the others: who held it. */
  readonly holder?: Actor
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
