import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { dependencyLimits } from './dependencies.ts'
import { type DependentWriter, type EndedTask, settleDependents } from './dependents.ts'
import { taskEvent } from './events.ts'
import { cancelRequested } from './state-machine.ts'
import { findOpenDescendants, findUnfinishedCancellations, setCancelsDescendants } from './store/descendants.ts'
import { type LockedTask, lockTasks, requestCancel } from './store/tasks.ts'
import { hasEnded, type Priority } from './task.ts'

/** How many descendants one transaction cancels. */
const cancelledAtOnce = 1_000

/** What follows from a cancellation. */
export interface Cancelled {
  /** Of tasks that depend on those that were cancelled, and wait in the queue now. */
  readonly released: ReadonlySet<Priority>
  /** Descendants are left for {@link cancelRemaining}. */
  readonly isUnfinished: boolean
}

/**
 * Asks a task, which the transaction has locked and which can be cancelled, and its descendants to stop: those that wait
 * end at once. More descendants than one transaction takes are left for {@link cancelRemaining}.
 */
export async function cancelWithDescendants(
  writer: DependentWriter,
  task: LockedTask,
  reason: string | undefined,
): Promise<Cancelled> {
  const ended = await cancelLocked(writer, [task], reason)
  const isUnfinished = task.children > 0 && (await cancelSome(writer, task, inherited(task.id, reason), ended))
  if (isUnfinished) await setCancelsDescendants(writer.tx, task, true)
  return { released: await settleDependents(writer, ended), isUnfinished }
}

export interface CancellationDeps {
  readonly transact: Transact
  readonly queue: Queue
}

/** Cancels the descendants that one transaction did not; returns the priorities of what may start because of that. */
export async function cancelRemaining(
  { transact, queue }: CancellationDeps,
  by: By,
  root: Pick<LockedTask, 'accountId' | 'id'>,
  reason: string | undefined,
): Promise<ReadonlySet<Priority>> {
  const released = new Set<Priority>()
  for (;;) {
    const { isUnfinished, ...more } = await transact.quiet('a cancellation that is complete')(async (tx) => {
      const writer = { tx, queue, by }
      const [task] = await lockTasks(tx, root.accountId, [root.id])
      // Somebody may have given it another attempt meanwhile: what is part of that goes on.
      if (task === undefined || task.cancelRequestedAt === null)
        return { released: new Set<Priority>(), isUnfinished: false }
      const ended: EndedTask[] = []
      const isUnfinished = await cancelSome(writer, root, inherited(root.id, reason), ended)
      if (!isUnfinished) await setCancelsDescendants(tx, root, false)
      return { released: await settleDependents(writer, ended), isUnfinished }
    })
    for (const priority of more.released) released.add(priority)
    if (!isUnfinished) return released
  }
}

const rootsAtOnce = 100

/** Completes cancellations that were interrupted, as by the end of a process. Harmless to repeat. */
export async function completeCancellations(deps: CancellationDeps & { readonly sql: Sql }, by: By): Promise<void> {
  for (const { accountId, id, reason } of await findUnfinishedCancellations(deps.sql, rootsAtOnce))
    await cancelRemaining(deps, by, { accountId, id }, reason ?? undefined)
}

/** Cancels descendants, at most as many as one transaction takes; returns whether there may be more. */
async function cancelSome(
  writer: DependentWriter,
  root: Pick<LockedTask, 'accountId' | 'id'>,
  reason: string,
  ended: EndedTask[],
): Promise<boolean> {
  let left = cancelledAtOnce
  // Until none is found: one that was about to get another child had not been locked yet.
  while (left > 0) {
    const ids = await findOpenDescendants(writer.tx, root, dependencyLimits.generations, left)
    if (ids.length === 0) return false
    const locked = await lockTasks(writer.tx, root.accountId, ids)
    const open = locked.filter(({ status, cancelRequestedAt }) => !hasEnded(status) && cancelRequestedAt === null)
    ended.push(...(await cancelLocked(writer, open, reason)))
    left -= ids.length
  }
  return true
}

/** Asks locked tasks that have not ended to stop; returns those that have ended thereby. */
async function cancelLocked(
  { tx, by }: DependentWriter,
  tasks: readonly LockedTask[],
  reason: string | undefined,
): Promise<EndedTask[]> {
  const asked = tasks.flatMap((task) => {
    const transition = cancelRequested(task.status)
    return transition === undefined ? [] : [{ task, transition }]
  })
  if (asked.length === 0) return []
  const { accountId } = tasks[0] as LockedTask
  const steps = asked.map(({ task: { id }, transition: { status } }) => ({ id, status }))
  await requestCancel(tx, accountId, steps, reason ?? null)
  for (const { task, transition } of asked) {
    const { id: taskId, type, priority, labels, attempt } = task
    const data = { type, priority, labels, status: transition.status, attempt, ...(reason !== undefined && { reason }) }
    tx.journal(taskEvent(transition.event, { accountId, taskId }, by, data))
  }
  return asked.flatMap(({ task: { id: taskId, dependents }, transition: { status } }) =>
    hasEnded(status) ? [{ accountId, taskId, status, dependents }] : [],
  )
}

/** Why descendants are cancelled. */
function inherited(rootId: string, reason: string | undefined): string {
  return reason ?? `Task ${rootId} was cancelled.`
}
