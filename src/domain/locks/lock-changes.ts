import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { LockChange } from './changes.ts'
import { WaitingRoom } from './waiting-room.ts'

/** Changes locks, each in a commit of its own, and lets those who wait at this process know. */
export type LockChanges = ReturnType<typeof createLockChanges>

/** After how long a lock that could not be looked after is tried again, in milliseconds. */
const againMs = 1_000

export function createLockChanges({ transact, log }: { transact: Transact; log: Logger }) {
  const room = new WaitingRoom((accountId, name) => void advance(accountId, name).catch(later(accountId, name)))

  /** Changes a lock in a commit of its own, and notifies the caller that acquires it as a result. */
  async function change<Result>(
    accountId: string,
    name: string,
    work: (lock: LockChange, tx: Transaction) => Result,
  ): Promise<Result> {
    const { result, lock } = await transact(async (tx) => {
      const lock = await LockChange.open(tx, accountId, name)
      return { result: work(lock, tx), lock }
    })
    if (lock.granted !== undefined) room.grant(lock.granted.waiterId, lock.granted.lock)
    const { now } = lock.opening
    if (lock.lock !== undefined) room.lookAfter(accountId, name, lock.lock.expiresAt.getTime() - now.getTime())
    return result
  }

  /** Ends a lease that is over, and passes the lock on. */
  async function advance(accountId: string, name: string): Promise<void> {
    await change(accountId, name, () => undefined)
  }

  function later(accountId: string, name: string) {
    return (error: unknown) => {
      log.warn({ err: error }, 'an expired lock could not be processed; trying again')
      room.lookAfter(accountId, name, againMs)
    }
  }

  return { room, change, advance }
}
