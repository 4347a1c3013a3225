import type { Transaction } from '#platform/database/transaction.ts'
import type { By, NewEntry } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { taskEvent } from './events.ts'
import { type Decision, decide, type TypeLimits } from './gate.ts'
import { started } from './state-machine.ts'
import { type JobRef, startAttempts } from './store/attempts.ts'
import { holdTasks, lockWaiting, type WaitingTask } from './store/held.ts'
import type { Attempt } from './task.ts'
import type { WaitedJob } from './turns.ts'
import type { HoldReason } from './waiting.ts'
import { waitAgain } from './waiting-again.ts'

/** A worker that starts attempts, and what it knows of limits. */
export interface Starter extends By {
  readonly queue: Queue
  readonly types: TypeLimits
  readonly workerId: number
}

/** Tasks that no limit applies to start without being looked at; these are the ones that it may apply to. */
export interface LimitHints {
  readonly limitedTypes: readonly string[]
  readonly pausingAccounts: readonly string[]
}

/**
 * Starts attempts of tasks whose turn has come, as far as limits let them: what they don't is held without a job, or comes
 * again when it may start. A job whose task was cancelled, or has another job by now, stands for nothing.
 */
export async function startWithinLimits(
  tx: Transaction,
  starter: Starter,
  jobs: readonly JobRef[],
  hints: LimitHints,
): Promise<Attempt[]> {
  const attempts = await startAttempts(tx, starter.workerId, jobs, { isChecked: false, ...hints })
  if (attempts.length < jobs.length) attempts.push(...(await startLimited(tx, starter, jobs, attempts)))
  for (const { type, priority, labels, number, ...rest } of attempts) {
    const data = { type, priority, labels, status: started.status, attempt: number }
    tx.journal(taskEvent(started.event, rest, starter, data))
  }
  return attempts
}

async function startLimited(
  tx: Transaction,
  starter: Starter,
  jobs: readonly JobRef[],
  started: readonly Attempt[],
): Promise<readonly Attempt[]> {
  const { queue, types, workerId } = starter
  const isStarted = new Set(started.map(({ taskId }) => taskId))
  const tasks = await lockWaiting(
    tx,
    jobs.filter(({ taskId }) => !isStarted.has(taskId)),
  )
  if (tasks.length === 0) return []
  const decisions = await decide(tx, types, tasks)
  const decided = tasks.map((task, index) => ({ task, decision: decisions[index] as Decision }))
  const held: { accountId: string; taskId: string; reason: HoldReason }[] = []
  const later: WaitedJob[] = []
  for (const { task, decision } of decided) {
    if (decision.kind === 'start') continue
    const { accountId, taskId, jobId: id, priority, isRemote } = task
    const reason = decision.kind === 'hold' ? decision.reason : 'RATE'
    held.push({ accountId, taskId, reason })
    tx.journal(heldEvent(task, reason, starter))
    if (decision.kind === 'defer')
      later.push({ priority, id, data: { accountId, taskId }, startAfter: decision.at, isRemote })
  }
  if (held.length > 0) await holdTasks(tx, held)
  await waitAgain(tx, queue, later)
  const admitted = decided.flatMap(({ task, decision }) => (decision.kind === 'start' ? [task] : []))
  return admitted.length === 0 ? [] : startAttempts(tx, workerId, admitted, { isChecked: true })
}

function heldEvent(task: WaitingTask, reason: HoldReason, by: By): NewEntry {
  const { type, priority, labels, attempt } = task
  return taskEvent('task.held', task, by, { type, priority, labels, status: 'PENDING', attempt, waiting: reason })
}
