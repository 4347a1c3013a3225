import { z } from 'zod'
import type { Caller } from '#domain/access/service.ts'
import { LeaseLost, TaskNotFound } from '#domain/tasks/errors.ts'
import type { ProgressBoard } from '#domain/tasks/progress-board.ts'
import { maxRetryAfterMs } from '#domain/tasks/retry-plan.ts'
import { saveCheckpoint } from '#domain/tasks/store/checkpoints.ts'
import {
  deleteLeases,
  findAttempt,
  type LeaseRef,
  type LockedAttempt,
  lockAttempt,
} from '#domain/tasks/store/leases.ts'
import type { AttemptEnd, Priority, TaskStatus } from '#domain/tasks/task.ts'
import { outputLimits } from '#domain/tasks/task-type.ts'
import { writeEnds } from '#domain/tasks/write-ends.ts'
import type { Clock } from '#lib/clock.ts'
import { invalidInput } from '#lib/errors.ts'
import { inexactNumber } from '#lib/exact-json.ts'
import { isId } from '#lib/ids.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import { isNestedBeyond, tooDeep } from '#lib/json-depth.ts'
import { faultPath } from '#lib/json-rule.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { parsed } from './claim-request.ts'
import type { RegisteredTypes } from './registered-types.ts'

export interface LeaseCommandsDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  readonly board: ProgressBoard
  readonly clock: Clock
  readonly registered: RegisteredTypes
  /** Called when tasks that were held wait again, as a hint to the dispatcher. */
  readonly onWaiting: (priority: Priority, due: 'now' | 'later') => void
  /** Called at the end of each attempt of a remote worker, for metrics. */
  readonly onSettled: (attempt: LockedAttempt, end: AttemptEnd) => void
}

const failure = z.strictObject({
  code: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'must be capital letters, digits and _, at most 64')
    .refine((code) => code !== 'WORKER_LOST', 'WORKER_LOST is for attempts whose worker was lost'),
  message: z.string().max(8_192).refine(isStorable, unstorable).default(''),
  retryable: z.boolean().default(true),
  retryAfterMs: z.int().min(0).max(maxRetryAfterMs).optional(),
})
export type ReportedFailure = z.input<typeof failure>

/** The commands of a remote worker about attempts that it has leases of. */
export function createLeaseCommands(deps: LeaseCommandsDeps) {
  const { sql, transact, queue, board, clock, registered, onWaiting, onSettled } = deps

  /**
   * Ends an attempt with a result. Repeating it changes nothing. @throws {TaskNotFound} @throws {LeaseLost}
   * @throws {InvalidInput} when the result is too large or does not match the type's schema: the attempt goes on.
   */
  async function completeTask(caller: Caller, lease: LeaseRef, result: unknown): Promise<string> {
    return end(caller, lease, 'COMPLETED', async (attempt) => {
      const sizeBytes = checkedSize('result', result, outputLimits.resultBytes)
      const type = (await registered.find(caller.accountId, [attempt.type])).get(attempt.type)
      if (type !== undefined) await registered.checkResult(type, result, sizeBytes)
      return { kind: 'completed', result }
    })
  }

  /** Ends an attempt that has failed; another may follow. @throws {TaskNotFound} @throws {LeaseLost} @throws {InvalidInput} */
  async function failTask(caller: Caller, lease: LeaseRef, request: ReportedFailure): Promise<string> {
    const { retryAfterMs, ...rest } = parsed(failure, 'The error', request)
    const error = { ...rest, ...(retryAfterMs !== undefined && { retryAfterMs }) }
    return end(caller, lease, 'FAILED', async () => ({ kind: 'failed', error }))
  }

  /**
   * Gives a task back: another attempt follows, which gets the checkpoint if one is given, and this one does not count.
   * @throws {TaskNotFound} @throws {LeaseLost} @throws {InvalidInput}
   */
  async function releaseTask(caller: Caller, lease: LeaseRef, checkpoint?: unknown): Promise<string> {
    if (checkpoint !== undefined) checkedSize('checkpoint', checkpoint, outputLimits.checkpointBytes)
    const json = checkpoint === undefined ? undefined : JSON.stringify(checkpoint)
    return end(caller, lease, undefined, async () => ({ kind: 'stopped', by: 'released' }), json)
  }

  /** Ends an attempt of the caller's. */
  async function end(
    caller: Caller,
    { taskId, fence }: LeaseRef,
    repeatedAs: TaskStatus | undefined,
    makeEnd: (attempt: LockedAttempt) => Promise<AttemptEnd>,
    checkpoint?: string,
  ): Promise<string> {
    caller.must('tasks:work')
    if (!isId(taskId)) throw new TaskNotFound(taskId)
    // What takes longer, such as to check a result, comes before the transaction; its fence is checked again there.
    const before = await visibleAttempt(caller, taskId)
    if (isRepeated(caller, before, fence, repeatedAs)) return taskId
    mustHold(caller, before, fence)
    const attemptEnd = await makeEnd(before)
    const progress = board.find(taskId)?.percent
    const released = await transact(async (tx) => {
      const attempt = await lockAttempt(tx, caller.accountId, taskId)
      if (attempt === undefined) throw new TaskNotFound(taskId)
      mustHold(caller, attempt, fence)
      const writer = { tx, queue, now: clock.now(), ...caller.by() }
      await deleteLeases(tx, [attempt])
      if (checkpoint !== undefined) await saveCheckpoint(tx, attempt, checkpoint)
      return (await writeEnds(writer, [{ attempt, end: attemptEnd, progress }])).released
    })
    board.forget(taskId)
    for (const priority of released) onWaiting(priority, 'now')
    onSettled(before, attemptEnd)
    return taskId
  }

  async function visibleAttempt(caller: Caller, taskId: string): Promise<LockedAttempt> {
    const attempt = await findAttempt(sql, caller.accountId, taskId)
    if (attempt === undefined || !caller.can('tasks:work', attempt.type)) throw new TaskNotFound(taskId)
    return attempt
  }

  return { completeTask, failTask, releaseTask }
}

/** Whether the attempt with this fence has led the task to this end already: a request whose answer was lost is repeated. */
function isRepeated(
  { principalId }: Caller,
  attempt: LockedAttempt,
  fence: number,
  status: TaskStatus | undefined,
): boolean {
  return attempt.status === status && attempt.fence === fence && attempt.principalId === principalId
}

function mustHold({ principalId }: Caller, attempt: LockedAttempt, fence: number): void {
  const isHeld = attempt.isRemote && attempt.status === 'ACTIVE' && attempt.fence === fence
  if (!isHeld || attempt.principalId !== principalId) throw new LeaseLost(attempt.taskId, fence)
}

/** How large a value is as JSON, in bytes. @throws {InvalidInput} when it can't be kept. */
function checkedSize(field: 'result' | 'checkpoint', value: unknown, maxBytes: number): number {
  const refuse = (path: string, message: string): never => {
    throw invalidInput(`The ${field}`, [{ path, message }])
  }
  if (isNestedBeyond(value)) refuse(field, tooDeep())
  const fault = inexactNumber(value)
  if (fault !== undefined) refuse(faultPath(field, fault), fault.message)
  if (!isStorable(value)) refuse(field, unstorable)
  const sizeBytes = Buffer.byteLength(JSON.stringify(value) ?? 'null')
  if (sizeBytes > maxBytes)
    refuse(field, `takes ${sizeBytes} bytes as JSON, and may take ${maxBytes}; report more as a part`)
  return sizeBytes
}
