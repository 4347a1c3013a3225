import { shareLockOfAccount } from '#platform/database/account-lock.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import { FenceLost } from './errors.ts'
import { readFences } from './store.ts'

/** What a lock's holder shows, so that nothing is written in its name once it has lost the lock. */
export interface Fence {
  readonly lock: string
  readonly fence: number
}

/**
 * For any transaction that writes in the name of a lock's holder: until it ends the lock does not change hands.
 * @throws {FenceLost}
 */
export async function mustHoldFence(tx: Transaction, accountId: string, fence: Fence): Promise<void> {
  // The row's lock would do, but writers who follow each other closely could keep the next holder out with it for ever.
  tx.beside(shareLockOfAccount(tx, accountId, 'entries'))
  checkFence(fence, (await readFences(tx, accountId, [fence.lock])).get(fence.lock))
}

/** @throws {FenceLost} unless the lock is held with this fence. */
export function checkFence({ lock, fence }: Fence, held: number | undefined): void {
  if (held !== fence) throw new FenceLost(lock, fence, held)
}
