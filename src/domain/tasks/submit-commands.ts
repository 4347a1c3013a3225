import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import type { Clock } from '#lib/clock.ts'
import { InvalidInput, invalidItem } from '#lib/errors.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { RegisteredTypes } from './remote/registered-types.ts'
import { findKeyHolders, type NewTask } from './store/tasks.ts'
import { isRegistered, planTask, type Submission, type SubmittableTypes } from './submission.ts'
import type { Submitted, Submitter } from './submitter.ts'
import type { TaskTypes } from './task-type.ts'

export interface SubmitCommandsDeps {
  readonly sql: Sql
  readonly types: TaskTypes
  readonly registered: RegisteredTypes
  readonly clock: Clock
  readonly submitter: Submitter
  readonly quotas: Pick<QuotaService, 'hold' | 'isExceeded'>
}

/** The largest number of tasks in one `submitTasks`. */
const submitLimit = 1_000

/** The commands that create tasks. */
export function createSubmitCommands({ sql, types, registered, clock, submitter, quotas }: SubmitCommandsDeps) {
  /**
   * Submits one task; returns once it is committed.
   * @throws {UnknownTaskType} @throws {InvalidInput} @throws {TaskKeyReused} @throws {QuotaExceeded}
   */
  async function submit(caller: Caller, request: Submission): Promise<Submitted> {
    caller.must('tasks:write', request.type)
    const task = await plan(caller, request, await typesFor(caller, [request]))
    return withinQuota(caller, [task], () => submitter.submitOne(task))
  }

  /** Submits up to 1,000 tasks, all or none. @throws as {@link submit}; issues name the task's index. */
  async function submitAll(caller: Caller, requests: readonly Submission[]): Promise<Submitted[]> {
    const tasks = await planAll(caller, requests)
    return withinQuota(caller, tasks, () => submitter.submitAll(tasks))
  }

  /**
   * As {@link submitAll}, in one commit with what else `work` does in its own transaction: `submit` is called there, at
   * most once in each try of it, and answers with the tasks' ids.
   */
  async function submitWithin<Result>(
    caller: Caller,
    requests: readonly Submission[],
    work: (submit: (tx: Transaction) => Promise<readonly string[]>) => Promise<Result>,
  ): Promise<Result> {
    const tasks = await planAll(caller, requests)
    let announce: (() => void) | undefined
    const result = await withinQuota(caller, tasks, () =>
      work(async (tx) => {
        if (tasks.length === 0) return []
        const written = await submitter.submitIn(tx, tasks)
        announce = written.announce
        return written.submitted.map(({ taskId }) => taskId)
      }),
    )
    announce?.()
    return result
  }

  /** The types that these requests name, those of the server before those that the account has registered. */
  async function typesFor({ accountId }: Caller, requests: readonly Submission[]): Promise<SubmittableTypes> {
    const others = requests.map(({ type }) => type).filter((type) => types.get(type) === undefined)
    if (others.length === 0) return types
    const own = await registered.find(accountId, others)
    const isComplete = others.every((name) => own.has(name))
    const all = isComplete ? [...own.values()] : await registered.list(accountId)
    return { get: (name) => types.get(name) ?? own.get(name), list: () => [...types.list(), ...all] }
  }

  async function plan(caller: Caller, request: Submission, known: SubmittableTypes): Promise<NewTask> {
    const task = planTask(caller, request, known, clock.now())
    const type = known.get(task.type)
    if (type !== undefined && isRegistered(type)) await registered.checkInput(type, task.input, task.storedBytes)
    return task
  }

  async function planAll(caller: Caller, requests: readonly Submission[]): Promise<NewTask[]> {
    for (const { type } of requests) caller.must('tasks:write', type)
    if (requests.length > submitLimit)
      throw new InvalidInput(`At most ${submitLimit} tasks can be submitted together; there are ${requests.length}.`)
    const known = await typesFor(caller, requests)
    const tasks: NewTask[] = []
    for (const [index, request] of requests.entries()) tasks.push(await planAt(caller, request, index, known))
    return tasks
  }

  /** Whether every task's idempotency key is taken, so that none would be new: a repeated request gets its original response. */
  async function areRepeated(tasks: readonly NewTask[]): Promise<boolean> {
    if (tasks.some(({ idempotencyKey }) => idempotencyKey === undefined)) return false
    return (await findKeyHolders(sql, tasks)).size === tasks.length
  }

  /** Does what writes these tasks, if the account has room for them, or all of them were written before. */
  async function withinQuota<Result>(
    { accountId }: Caller,
    tasks: readonly NewTask[],
    write: () => Promise<Result>,
  ): Promise<Result> {
    const storedBytes = tasks.reduce((sum, task) => sum + task.storedBytes, 0)
    const release = await quotas
      .hold(accountId, { waitingTasks: tasks.length, storedBytes })
      .catch(async (error: unknown) => {
        if (!quotas.isExceeded(error) || !(await areRepeated(tasks))) throw error
        return () => undefined
      })
    return write().finally(release)
  }

  async function planAt(caller: Caller, request: Submission, index: number, known: SubmittableTypes) {
    try {
      return await plan(caller, request, known)
    } catch (error) {
      throw error instanceof InvalidInput ? invalidItem(`Task ${index}`, `tasks.${index}`, error) : error
    }
  }

  return { submit, submitAll, submitWithin }
}
