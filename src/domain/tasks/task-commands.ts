import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import { invalidValue } from '#lib/errors.ts'
import { isId, newId } from '#lib/ids.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { cancelRemaining, cancelWithDescendants } from './cancellation.ts'
import { outcomeOf } from './dependencies.ts'
import {
  DependencyNotMet,
  SingletonTaken,
  TaskAlreadyEnded,
  TaskNotFound,
  TaskNotRetryable,
  UnknownTaskType,
} from './errors.ts'
import { type TaskEventData, taskEvent } from './events.ts'
import { relink } from './links.ts'
import type { RegisteredTypes } from './remote/registered-types.ts'
import { retried, type Transition } from './state-machine.ts'
import { deleteCheckpoint } from './store/checkpoints.ts'
import { deleteLogs } from './store/output.ts'
import { insertPastAttempts } from './store/past-attempts.ts'
import { isSingletonTaken, type LockedTask, lockTask, reopenTask } from './store/tasks.ts'
import { forgetAllDone, forgetFailedWaits } from './store/waits.ts'
import { isRegistered, replaceInput } from './submission.ts'
import { hasEnded, type Priority } from './task.ts'
import type { TaskTypes } from './task-type.ts'
import { waitAgain } from './waiting-again.ts'

export interface TaskCommandsDeps {
  readonly transact: Transact
  readonly types: TaskTypes
  readonly registered: RegisteredTypes
  readonly queue: Queue
  readonly quotas: Pick<QuotaService, 'hold'>
  /** Called when a task starts to wait, as a hint to the dispatcher. */
  readonly onWaiting: (priority: Priority, due: 'now' | 'later') => void
}

const maxReasonLength = 500

/** The commands that change a task. */
export function createTaskCommands({ transact, types, registered, queue, quotas, onWaiting }: TaskCommandsDeps) {
  /**
   * Asks a task and its descendants to stop: one that waits ends at once, one that runs is stopped, killed if need be after
   * its grace period. Asking again changes nothing. @throws {TaskNotFound} @throws {TaskAlreadyEnded}
   */
  async function cancel(caller: Caller, id: string, reason: string | undefined): Promise<string> {
    caller.must('tasks:write')
    if (reason !== undefined && reason.length > maxReasonLength)
      throw invalidValue('The reason', 'reason', `may have at most ${maxReasonLength} characters`)
    if (!isStorable(reason)) throw invalidValue('The reason', 'reason', unstorable)
    const cancelled = await transact(async (tx) => {
      const task = await lock(tx, caller, id)
      if (hasEnded(task.status)) throw new TaskAlreadyEnded(id, task.status)
      if (task.cancelRequestedAt !== null) return undefined
      return cancelWithDescendants({ tx, queue, by: caller.by() }, task, reason)
    })
    if (cancelled === undefined) return id
    const { released, isUnfinished } = cancelled
    const later = isUnfinished
      ? await cancelRemaining({ transact, queue }, caller.by(), { accountId: caller.accountId, id }, reason)
      : new Set<Priority>()
    for (const priority of new Set([...released, ...later])) onWaiting(priority, 'now')
    return id
  }

  /**
   * Gives a task that failed or was cancelled one more attempt, once the tasks that it depends on have ended. Another
   * `input` replaces its own, and its checkpoint is forgotten. @throws {InvalidInput} @throws {UnknownTaskType}
   * @throws {TaskNotFound} @throws {TaskNotRetryable} also when one of those has failed, or another task has its singleton key @throws {QuotaExceeded}
   */
  async function retry(caller: Caller, id: string, input?: unknown): Promise<string> {
    caller.must('tasks:write')
    const storedBytes = input === undefined ? 0 : Buffer.byteLength(JSON.stringify(input))
    const release = await quotas.hold(caller.accountId, { waitingTasks: 1, storedBytes })
    const priority = await transact((tx) => retryIn(tx, caller, id, input)).finally(release)
    onWaiting(priority, 'now')
    return id
  }

  async function retryIn(tx: Transaction, caller: Caller, id: string, input: unknown): Promise<Priority> {
    const { accountId } = caller
    const task = await lock(tx, caller, id)
    const { type: name, status, priority, isRemote } = task
    const type = types.get(name)
    if (type?.scope !== undefined) caller.must(type.scope)
    const transition = retried(task)
    if (transition === undefined) throw new TaskNotRetryable(id, status)
    if (input !== undefined) {
      await mustAccept(caller, name, input)
      await deleteCheckpoint(tx, accountId, id)
      await forgetAllDone(tx, { accountId, taskId: id })
    }
    await forgetFailedWaits(tx, { accountId, taskId: id })
    const outcome = outcomeOf(await relink(tx, { accountId, taskId: id }))
    if (outcome.kind === 'fail' || outcome.kind === 'skip') throw new DependencyNotMet(id, status, outcome.because)
    const held = outcome.kind === 'wait' ? 'DEPENDENCY' : undefined
    const jobId = newId()
    await reopenTask(tx, accountId, id, transition, { jobId, held, input }).catch((error: unknown) => {
      throw isSingletonTaken(error) ? new SingletonTaken(id, status, error) : error
    })
    if (transition.pastAttempt !== undefined)
      await insertPastAttempts(tx, [{ accountId, taskId: id, ...transition.pastAttempt }])
    const job = { priority, id: jobId, data: { accountId, taskId: id }, isRemote }
    if (held === undefined) await waitAgain(tx, queue, [job])
    note(tx, caller, task, transition, { ...(input !== undefined && { inputChanged: true }) })
    return priority
  }

  /** @throws {UnknownTaskType} @throws {InvalidInput} unless the type accepts the input */
  async function mustAccept(caller: Caller, name: string, input: unknown): Promise<void> {
    const type = types.get(name) ?? (await registered.find(caller.accountId, [name])).get(name)
    if (type === undefined)
      throw new UnknownTaskType(
        name,
        types.list().map((known) => known.name),
      )
    const { sizeBytes } = replaceInput(caller, type, input)
    if (isRegistered(type)) await registered.checkInput(type, input, sizeBytes)
  }

  async function lock(tx: Transaction, caller: Caller, id: string): Promise<LockedTask> {
    const task = isId(id) ? await lockTask(tx, caller.accountId, id) : undefined
    if (task === undefined || !caller.can('tasks:read', task.type)) throw new TaskNotFound(id)
    caller.must('tasks:write', task.type)
    return task
  }

  /** Deletes a task's log lines, also from what streams can still repeat; returns how many. @throws {TaskNotFound} */
  async function removeLogs(caller: Caller, id: string): Promise<number> {
    caller.must('tasks:write')
    return transact(async (tx) => {
      const task = await lock(tx, caller, id)
      const lines = await deleteLogs(tx, caller.accountId, task.id)
      note(tx, caller, task, { event: 'task.logs_deleted', status: task.status }, { lines })
      return lines
    })
  }

  return { cancel, retry, removeLogs }
}

function note(
  tx: Transaction,
  caller: Caller,
  task: LockedTask,
  { event, status }: Pick<Transition, 'event' | 'status'>,
  more: Pick<TaskEventData, 'lines' | 'inputChanged'> = {},
): void {
  const { accountId, id: taskId, type, priority, labels, attempt } = task
  const data = { type, priority, labels, status, attempt, ...more }
  tx.journal(taskEvent(event, { accountId, taskId }, caller.by(), data))
}
