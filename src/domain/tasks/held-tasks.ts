import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import { newId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { concurrencyLimit } from './gate.ts'
import type { JobRef, SettledAttempt } from './store/attempts.ts'
import { countEnded, type KeyCount } from './store/concurrency.ts'
import { findHoldingKeys, lockHeldByKey, releaseTasks } from './store/held.ts'
import type { Priority } from './task.ts'
import type { TaskTypes } from './task-type.ts'
import { waitAgain } from './waiting-again.ts'

/**
 * Counts attempts that ended, and puts as many tasks that waited for their concurrency keys into the queue. Returns the
 * priorities of those.
 */
export async function freeKeys(
  tx: Transaction,
  queue: Queue,
  ended: readonly Pick<SettledAttempt, 'accountId' | 'concurrencyKey'>[],
): Promise<ReadonlySet<Priority>> {
  const counts = countKeys(ended)
  if (counts.length === 0) return new Set()
  await countEnded(tx, counts)
  // A statement of its own: it sees what those have held whose lock the one before has waited for.
  return release(tx, queue, await lockHeldByKey(tx, counts))
}

/** Puts held tasks, which the transaction has locked, into the queue. */
export async function release(
  tx: Transaction,
  queue: Queue,
  tasks: readonly Pick<JobRef, 'accountId' | 'taskId'>[],
): Promise<ReadonlySet<Priority>> {
  if (tasks.length === 0) return new Set()
  const released = await releaseTasks(
    tx,
    tasks.map((task) => ({ ...task, jobId: newId() })),
  )
  const jobs = released.map(({ accountId, taskId, jobId: id, priority, isRemote }) => ({
    priority,
    id,
    data: { accountId, taskId },
    isRemote,
  }))
  await waitAgain(tx, queue, jobs)
  return new Set(released.map(({ priority }) => priority))
}

export interface HeldTasksDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  readonly types: TaskTypes
}

const keysAtOnce = 1_000

/**
 * Puts tasks into the queue whose concurrency key has room, as after their type's limit was raised; returns how many.
 * Harmless to repeat, also by several processes: a task that may not start after all is held again.
 */
export async function releaseWhereRoom({ sql, transact, queue, types }: HeldTasksDeps): Promise<number> {
  const rooms = (await findHoldingKeys(sql, keysAtOnce)).map(({ accountId, key, running, type }) => ({
    accountId,
    key,
    count: concurrencyLimit(types, type) - running,
  }))
  const open = rooms.filter(({ count }) => count > 0)
  if (open.length === 0) return 0
  return transact.quiet('tasks that are held no longer')(async (tx) => {
    const tasks = await lockHeldByKey(tx, open)
    await release(tx, queue, tasks)
    return tasks.length
  })
}

function countKeys(ended: readonly Pick<SettledAttempt, 'accountId' | 'concurrencyKey'>[]): KeyCount[] {
  const counts = new Map<CompositeKey, KeyCount>()
  for (const { accountId, concurrencyKey: key } of ended) {
    if (key === null) continue
    const id = compositeKey(accountId, key)
    counts.set(id, { accountId, key, count: (counts.get(id)?.count ?? 0) + 1 })
  }
  return [...counts.values()]
}
