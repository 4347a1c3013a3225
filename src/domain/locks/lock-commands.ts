import type { Caller } from '#domain/access/service.ts'
import type { LockChange } from './changes.ts'
import { FenceLost, LockNotFound, NotLockHolder } from './errors.ts'
import type { HeldLock, Lock } from './lock.ts'
import type { LockChanges } from './lock-changes.ts'
import { checkBounds, checkName, mustBeName } from './lock-input.ts'

/** What proves that a caller holds a lock. */
export interface Held {
  readonly name: string
  readonly fence: number
}

/** The commands of holders, whose right to the lock's name is known. */
export function createHeldCommands({ change }: Pick<LockChanges, 'change'>) {
  /** Lets the caller's own lease last for so long from now. @throws {FenceLost} @throws {NotLockHolder} */
  async function renew(caller: Caller, { name, fence }: Held, ttlMs: number): Promise<Lock> {
    return answered(
      caller,
      await change(caller.accountId, name, (change) => {
        const lock = ownLock(caller, change, { name, fence })
        return lock instanceof Error ? lock : change.renew(lock, caller.by(), ttlMs)
      }),
    )
  }

  /** Releases the caller's own lock, which goes to the first waiter. @throws {FenceLost} @throws {NotLockHolder} */
  async function release(caller: Caller, { name, fence }: Held): Promise<Lock> {
    return answered(
      caller,
      await change(caller.accountId, name, (change) => {
        const lock = ownLock(caller, change, { name, fence })
        if (!(lock instanceof Error)) change.end('lock.released', caller.by())
        return lock
      }),
    )
  }

  return { renew, release }
}

/** The commands for locks that somebody holds. */
export function createLockCommands({ change }: Pick<LockChanges, 'change'>) {
  const held = createHeldCommands({ change })

  /** Lets the caller's own lease last for so long from now. @throws {FenceLost} @throws {NotLockHolder} @throws {InvalidInput} */
  async function renew(caller: Caller, lock: Held, ttlMs: number): Promise<Lock> {
    mustBeName(caller, lock.name)
    checkBounds({ ttlMs })
    return held.renew(caller, lock, ttlMs)
  }

  /** Releases the caller's own lock, which goes to the first waiter. @throws {FenceLost} @throws {NotLockHolder} */
  async function release(caller: Caller, lock: Held): Promise<Lock> {
    mustBeName(caller, lock.name)
    return held.release(caller, lock)
  }

  /**
   * Takes a lock away from its holder, whose fence is void from then on. `queue`: those who wait for it
   * are sent away, too. @throws {LockNotFound}
   */
  async function forceRelease(caller: Caller, name: string, { queue = false } = {}): Promise<Lock> {
    caller.must('access:admin')
    checkName(name)
    return answered(
      caller,
      await change(caller.accountId, name, (change) => {
        const { lock } = change
        if (lock === undefined) return new LockNotFound(name)
        if (queue) change.clear(caller.by())
        else change.end('lock.forced', caller.by())
        return lock
      }),
    )
  }

  return { renew, release, forceRelease }
}

/** The lock, if it is held with this fence and by this caller; the fence alone proves nothing, since readers see it. */
function ownLock(caller: Caller, { lock }: LockChange, { name, fence }: Held): HeldLock | FenceLost | NotLockHolder {
  if (lock?.fence !== fence) return new FenceLost(name, fence, lock?.fence)
  return lock.principalId === caller.principalId ? lock : new NotLockHolder(name, lock.holder)
}

function answered(caller: Caller, answer: Lock | FenceLost | LockNotFound | NotLockHolder): Lock {
  if (answer instanceof NotLockHolder) caller.lacks(['access:admin'], answer.lock)
  if (answer instanceof Error) throw answer
  return answer
}
