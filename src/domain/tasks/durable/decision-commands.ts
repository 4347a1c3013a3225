import { z } from 'zod'
import type { Caller } from '#domain/access/service.ts'
import {
  NoApprovalPending,
  SelfApprovalRefused,
  TaskAlreadyEnded,
  TaskNotFound,
  TooManySignals,
} from '#domain/tasks/errors.ts'
import { type TaskEventData, type TaskEventType, taskEvent } from '#domain/tasks/events.ts'
import { countSignals, insertSignal } from '#domain/tasks/store/signals.ts'
import { type LockedTask, lockTask } from '#domain/tasks/store/tasks.ts'
import { endWait, findLatestWait, type WaitRow } from '#domain/tasks/store/waits.ts'
import { hasEnded, type Priority, type TaskStatus } from '#domain/tasks/task.ts'
import { invalidInput } from '#lib/errors.ts'
import { isId, newId } from '#lib/ids.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import { inWords, issuesOf } from '#lib/parse.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { durableLimits, durableName } from './protocol.ts'
import { wake } from './wake.ts'

export interface DecisionCommandsDeps {
  readonly transact: Transact
  readonly queue: Queue
  /** Called when a task continues, as a hint to the dispatcher. */
  readonly onWaiting: (priority: Priority, due: 'now' | 'later') => void
}

const decisionSchema = z.object({
  id: z.string(),
  approval: durableName.optional(),
  comment: z.string().max(2_000).refine(isStorable, unstorable).optional(),
})
/** A decision about what a task waits to be approved. */
export type Decision = z.input<typeof decisionSchema>

const signalSchema = z.object({
  id: z.string(),
  name: durableName,
  value: z
    .unknown()
    .refine(
      (value) => Buffer.byteLength(JSON.stringify(value ?? null)) <= durableLimits.signalBytes,
      `may have at most ${durableLimits.signalBytes.toLocaleString('en')} bytes as JSON`,
    )
    .refine(isStorable, unstorable),
})
/** An event for a task. */
export type Signal = z.input<typeof signalSchema>

/** What a command has done to a task. */
interface Done {
  readonly event: TaskEventType
  readonly more: Partial<TaskEventData>
  /** What the task waits for has come. */
  readonly isOver: boolean
}

/** The commands with which people and programs let tasks continue that wait for them. */
export function createDecisionCommands({ transact, queue, onWaiting }: DecisionCommandsDeps) {
  /**
   * Approves what a task waits for; it continues. @throws {TaskNotFound} @throws {TaskAlreadyEnded}
   * @throws {NoApprovalPending} @throws {SelfApprovalRefused}
   */
  function approve(caller: Caller, decision: Decision): Promise<string> {
    return decide(caller, decision, 'APPROVED')
  }

  /** Refuses it; the task fails, unless its type does something else then. @throws as {@link approve} */
  function reject(caller: Caller, decision: Decision): Promise<string> {
    return decide(caller, decision, 'REJECTED')
  }

  async function decide(caller: Caller, given: Decision, outcome: 'APPROVED' | 'REJECTED'): Promise<string> {
    caller.must('tasks:approve')
    const { id, approval, comment = null } = parsed(decisionSchema, 'The decision', given)
    await change(caller, id, 'tasks:approve', async (tx, task) => {
      const key = { accountId: task.accountId, taskId: task.id }
      const wait = mustBePending(task.id, await findLatestWait(tx, key, 'APPROVAL'), approval)
      if (!wait.maySubmitterDecide && isSubmitter(caller, task)) throw new SelfApprovalRefused(task.id)
      await endWait(tx, key, wait.key, { outcome, by: caller.actor, comment })
      const more = { approval: wait.name, ...(comment !== null && { comment }) }
      return { event: outcome === 'APPROVED' ? 'task.approved' : 'task.rejected', more, isOver: true }
    })
    return id
  }

  /**
   * Sends a task an event. One that it doesn't wait for yet is kept until it does.
   * @throws {TaskNotFound} @throws {TaskAlreadyEnded} @throws {TooManySignals} @throws {InvalidInput}
   */
  async function signal(
    caller: Caller,
    given: Signal,
  ): Promise<{ readonly id: string; readonly isDelivered: boolean }> {
    caller.must('tasks:write')
    const { id, name, value } = parsed(signalSchema, 'The signal', given)
    let isDelivered = false
    await change(caller, id, 'tasks:write', async (tx, task) => {
      const key = { accountId: task.accountId, taskId: task.id }
      const wait = await findLatestWait(tx, key, 'EVENT')
      isDelivered = wait !== undefined && wait.name === name && isOpen(wait)
      if (isDelivered && wait) await endWait(tx, key, wait.key, { outcome: 'SIGNALLED', value, by: caller.actor })
      else if ((await countSignals(tx, key)) >= durableLimits.signals)
        throw new TooManySignals(id, durableLimits.signals)
      else await insertSignal(tx, key, { id: newId(), name, value, sentBy: caller.actor })
      return { event: 'task.signalled', more: { signal: name }, isOver: isDelivered }
    })
    return { id, isDelivered }
  }

  /** Changes what a task waits for, and lets it continue when that has come. */
  async function change(
    caller: Caller,
    id: string,
    scope: 'tasks:approve' | 'tasks:write',
    work: (tx: Transaction, task: LockedTask) => Promise<Done>,
  ): Promise<void> {
    const priority = await transact(async (tx) => {
      const task = isId(id) ? await lockTask(tx, caller.accountId, id) : undefined
      if (task === undefined || !caller.can('tasks:read', task.type)) throw new TaskNotFound(id)
      caller.must(scope, task.type)
      if (hasEnded(task.status)) throw new TaskAlreadyEnded(id, task.status)
      const { event, more, isOver } = await work(tx, task)
      const [woken] = isOver ? await wake(tx, queue, [{ accountId: task.accountId, taskId: id }]) : []
      note(tx, caller, task, event, woken === undefined ? task.status : 'PENDING', more)
      return woken?.priority
    })
    if (priority !== undefined) onWaiting(priority, 'now')
  }

  return { approve, reject, signal }
}

function note(
  tx: Transaction,
  caller: Caller,
  { accountId, id: taskId, type, priority, labels, attempt }: LockedTask,
  event: TaskEventType,
  status: TaskStatus,
  more: Partial<TaskEventData>,
): void {
  const data = { type, priority, labels, status, attempt, ...more }
  tx.journal(taskEvent(event, { accountId, taskId }, caller.by(), data))
}

function parsed<Schema extends z.ZodType>(schema: Schema, what: string, given: z.input<Schema>): z.output<Schema> {
  const result = schema.safeParse(given, inWords)
  if (!result.success) throw invalidInput(what, issuesOf(result.error))
  return result.data
}

function isOpen({ endedAt, isDue }: WaitRow): boolean {
  return endedAt === null && !isDue
}

/** @throws {NoApprovalPending} with what has become of the last one */
function mustBePending(taskId: string, wait: WaitRow | undefined, name: string | undefined): WaitRow {
  if (wait === undefined) throw new NoApprovalPending(taskId, 'it has not asked for one')
  const about = `"${wait.name}"`
  if (wait.outcome === 'APPROVED' || wait.outcome === 'REJECTED')
    throw new NoApprovalPending(taskId, `${wait.endedBy?.name} has ${wait.outcome.toLowerCase()} ${about} before`)
  if (!isOpen(wait))
    throw new NoApprovalPending(taskId, `the time for ${about} ended at ${wait.deadline.toISOString()}`)
  if (name !== undefined && name !== wait.name)
    throw new NoApprovalPending(taskId, `it waits for ${about}, not for "${name}"`)
  return wait
}

/** Also when they show another credential than they submitted with: a personal token, or its successor. */
function isSubmitter(caller: Caller, { createdBy: { id, submitterId } }: LockedTask): boolean {
  return [caller.actor.id, caller.principalId, caller.ownerId].some(
    (own) => own === id || (own !== undefined && own === submitterId),
  )
}
