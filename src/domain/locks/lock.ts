import type { Actor, By } from '#platform/journal/entry.ts'

/** A lock that somebody holds, until its lease is over. */
export interface Lock {
  readonly name: string
  /** Grows with each grant, across failovers too; a client with an older one no longer holds the lock. */
  readonly fence: number
  readonly holder: Actor
  /** What the holder needs it for. */
  readonly reason: string | null
  readonly acquiredAt: Date
  readonly expiresAt: Date
}

/** A lock with who may renew and release it. */
export interface HeldLock extends Lock {
  readonly principalId: string
}

/** Somebody who waits for a lock. */
export interface Waiter {
  readonly name: string
  readonly id: string
  readonly by: By
  /** Whose lock it will be. */
  readonly principalId: string
  /** What it is needed for. */
  readonly reason: string | null
  readonly ttlMs: number
  readonly queuedAt: Date
  /** Waits no longer. */
  readonly until: Date
}

/** A place in a lock's queue that nobody has to stay connected for, or the lock once its turn has come. */
export interface LockTicket {
  readonly name: string
  readonly id: string
  readonly status: 'QUEUED' | 'ACQUIRED' | 'RELEASED'
  /** Whose it is. */
  readonly actor: Actor
  /** What it is needed for. */
  readonly reason: string | null
  /** How many hold the lock or wait for it before this one. */
  readonly position: number
  /** Null while it waits. */
  readonly fence: number | null
  /** When its lease began; null while it waits. */
  readonly acquiredAt: Date | null
  readonly expiresAt: Date | null
  /** How long the lease lasts from its beginning, in milliseconds. */
  readonly ttlMs: number
  readonly createdAt: Date
}

/** How long a lease may last, and how long somebody may wait, in milliseconds. */
export const bounds = {
  ttlMs: { min: 1_000, max: 24 * 60 * 60 * 1000 },
  waitMs: { min: 0, max: 5 * 60 * 1000 },
  /** How long a ticket stays in a queue. */
  queuedMs: 24 * 60 * 60 * 1000,
} as const

/** Of a lock's renewals, one in this time has an entry in the journal, in milliseconds; the others are counted. */
export const renewalEntryMs = 60_000

/** The longest reason, in characters. */
export const maxReasonLength = 500

/** Of how many locks a caller may ask for any. */
export const maxAnyOf = 20

/** How many callers may wait for one lock. */
export const maxWaiters = 1_000

/** A process says every two seconds that its callers still wait; after this silence they count as gone, in milliseconds. */
export const presence = { silenceMs: 8_000 } as const
