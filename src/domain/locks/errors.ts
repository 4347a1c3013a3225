import { AppError } from '#lib/errors.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Lock } from './lock.ts'

/** The caller waited for a lock whose queue was cleared. */
export const queueCleared = 'an administrator has cleared its queue'

/** Somebody else holds the lock, and went on holding it for as long as the caller wanted to wait, or its queue was cleared. */
export class LockHeld extends AppError {
  readonly code = 'LOCK_HELD'
  /** As it was last seen; undefined when it is about to be given to another who waits. */
  readonly lock: Lock | undefined
  constructor(name: string, lock: Lock | undefined, reason = 'ask again later, or wait longer') {
    const until = lock && ` by ${lock.holder.name}, until ${lock.expiresAt.toISOString()} if it is not renewed`
    super(
      reason === queueCleared
        ? `The lock "${name}" was not acquired: ${reason}.`
        : `The lock "${name}" is held${until ?? ''}; ${reason}.`,
    )
    this.lock = lock
  }
}

/** The lock is not held with this fence (any more): its lease was over, or it was released or taken away. */
export class FenceLost extends AppError {
  readonly code = 'FENCE_LOST'
  readonly lock: string
  /** With which it is held now; undefined: nobody holds it. */
  readonly currentFence: number | undefined
  constructor(lock: string, fence: number, currentFence: number | undefined) {
    const now = currentFence === undefined ? 'nobody holds it' : `it is held with fence ${currentFence}`
    super(`The lock "${lock}" is not held with fence ${fence}: ${now}.`)
    this.lock = lock
    this.currentFence = currentFence
  }
}

/** The fence is right, but the lock is somebody else's. */
export class NotLockHolder extends AppError {
  readonly code = 'FORBIDDEN'
  readonly lock: string
  constructor(lock: string, holder: Actor) {
    super(
      `The lock "${lock}" is held by ${holder.name}: only its holder can renew or release it; a caller with access:admin can force its release.`,
    )
    this.lock = lock
  }
}

/** A lock has no such ticket, or no longer. */
export class LockTicketNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(lock: string, id: string) {
    super(`The lock "${lock}" has no ticket "${id}": it was released, or its lease or its time in the queue has ended.`)
  }
}

/** Nobody holds a lock of this name. */
export class LockNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(name: string) {
    super(`Nobody holds a lock "${name}".`)
  }
}
