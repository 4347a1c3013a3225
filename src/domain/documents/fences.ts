import type { Fence, LockService } from '#domain/locks/service.ts'
import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import { AppError } from '#lib/errors.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { Write } from './write.ts'

/** Knows who holds locks. */
export type FenceKeeper = Pick<LockService, 'mustHoldFence'>

/**
 * Looks at the fences that writes demand; those that are held are so until the transaction ends. Returns what says of a
 * write why it can't be done, if so.
 */
export async function lostFences(
  locks: FenceKeeper,
  tx: Transaction,
  writes: readonly Write[],
): Promise<(write: Write) => AppError | undefined> {
  const demanded = new Map<CompositeKey, { accountId: string; fence: Fence }>()
  for (const { accountId, fence } of writes)
    if (fence !== undefined) demanded.set(idOf(accountId, fence), { accountId, fence })
  // In one order for everybody, so that no two transactions wait for each other.
  const inOrder = [...demanded].sort(([a], [b]) => (a < b ? -1 : 1))
  const reasons = new Map(
    await Promise.all(
      inOrder.map(async ([id, { accountId, fence }]) => {
        const reason = await refusalOf(locks.mustHoldFence(tx, accountId, fence))
        return [id, reason] as const
      }),
    ),
  )
  return ({ accountId, fence }) => fence && reasons.get(idOf(accountId, fence))
}

function idOf(accountId: string, { lock, fence }: Fence): CompositeKey {
  return compositeKey(accountId, lock, fence)
}

async function refusalOf(work: Promise<void>): Promise<AppError | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}
