import { compositeKey } from '#lib/composite-key.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { dependenciesEnded, dependencyLimits, outcomeOf } from './dependencies.ts'
import { taskEvent } from './events.ts'
import {
  type Dependent,
  type DependentStep,
  lockDependents,
  moveDependents,
  noteEnded,
  readDependencies,
  type TaskRef,
} from './store/dependencies.ts'
import { hasEnded, type Priority, type TaskStatus } from './task.ts'
import { type QueuedTask, waitsInLane } from './turns.ts'
import { enqueueNew } from './waiting-again.ts'

/** With what tasks are moved on that waited for others. */
export interface DependentWriter {
  readonly tx: Transaction
  readonly queue: Queue
  readonly by: By
}

/** A task that has ended, and how many others were submitted that depend on it. */
export interface EndedTask extends TaskRef {
  readonly status: TaskStatus
  readonly dependents: number
}

/**
 * Moves on what waited for tasks that this transaction ends: what has nothing more to wait for goes into the queue, and
 * what must not start after a failure ends, with all that depends on it in turn. Costs nothing when nothing depends on
 * them. Returns the priorities of those that wait in the queue now.
 */
export async function settleDependents(
  writer: DependentWriter,
  ended: readonly EndedTask[],
): Promise<ReadonlySet<Priority>> {
  const released = new Set<Priority>()
  let level = ended.filter(({ status, dependents }) => dependents > 0 && hasEnded(status))
  // No chain is longer, so the loop ends.
  for (let depth = 0; level.length > 0 && depth <= dependencyLimits.depth; depth += 1) {
    const waiting = await noteEnded(writer.tx, level)
    level = await moveOn({ ...writer, byOf: () => writer.by }, waiting, released)
  }
  return released
}

/** Ends tasks that are submitted after those that they depend on have failed. */
export async function endSubmitted(
  { tx, queue }: Omit<DependentWriter, 'by'>,
  tasks: readonly { readonly accountId: string; readonly id: string; readonly by: By }[],
): Promise<void> {
  const submitters = new Map(tasks.map(({ id, by }) => [id, by]))
  const byOf = ({ taskId }: TaskRef) => submitters.get(taskId) as By
  const refs = tasks.map(({ accountId, id: taskId }) => ({ accountId, taskId }))
  await moveOn({ tx, queue, byOf }, refs, new Set())
}

/** Moves on those tasks that have nothing more to wait for; returns those that have ended thereby. */
async function moveOn(
  { tx, queue, byOf }: Omit<DependentWriter, 'by'> & { readonly byOf: (task: TaskRef) => By },
  tasks: readonly TaskRef[],
  released: Set<Priority>,
): Promise<EndedTask[]> {
  if (tasks.length === 0) return []
  const dependents = await lockDependents(tx, tasks)
  // A statement of its own: it sees how those ended whose transactions the lock has waited for.
  const dependencies = Map.groupBy(await readDependencies(tx, dependents), keyOf)
  const steps: DependentStep[] = []
  const ready: QueuedTask[] = []
  const ended: EndedTask[] = []
  for (const dependent of dependents) {
    const { accountId, taskId, isDueLater, type, priority, labels, attempt, rank } = dependent
    const transition = dependenciesEnded(outcomeOf(dependencies.get(keyOf(dependent)) ?? []), isDueLater)
    if (transition === undefined) continue
    const { status, event, error, reason } = transition
    const isOver = hasEnded(status)
    const queued = isOver ? undefined : toQueued(dependent)
    steps.push({
      accountId,
      taskId,
      status,
      held: queued && heldReason(queued),
      error,
      cancelReason: reason,
    })
    if (queued !== undefined) ready.push(queued)
    else ended.push({ accountId, taskId, status, dependents: dependent.dependents })
    const more = { ...(error && { error }), ...(reason && { reason }), ...(rank !== 0 && !isOver && { rank }) }
    tx.journal(taskEvent(event, dependent, byOf(dependent), { type, priority, labels, status, attempt, ...more }))
  }
  if (steps.length > 0) await moveDependents(tx, steps)
  await enqueueNew(tx, queue, ready)
  for (const { priority, status } of ready) if (status === 'PENDING') released.add(priority)
  return ended.filter((task) => task.dependents > 0)
}

function toQueued(task: Dependent): QueuedTask {
  const { accountId, taskId: id, jobId, type, priority, fairnessKey, fairnessWeight, rank, isDueLater, runAt } = task
  return {
    accountId,
    id,
    jobId,
    type,
    priority,
    isRemote: task.isRemote,
    fairnessKey: fairnessKey ?? undefined,
    fairnessWeight: fairnessWeight ?? 1,
    rank,
    status: isDueLater ? 'SCHEDULED' : 'PENDING',
    runAt: isDueLater ? runAt : undefined,
  }
}

/** Why a task that may start can't be claimed from the queue. */
function heldReason(task: QueuedTask): DependentStep['held'] {
  if (task.isRemote && task.status === 'PENDING') return 'WORKER'
  return waitsInLane(task) ? 'SHARE' : undefined
}

function keyOf({ accountId, taskId }: TaskRef) {
  return compositeKey(accountId, taskId)
}
