import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import { InvalidInput, invalidItem } from '#lib/errors.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import { findKeyHolders, type NewTask } from './store/tasks.ts'
import type { Submission, SubmittableTypes } from './submission.ts'
import type { Submitted, Submitter } from './submitter.ts'
import { createTaskPlanner, type TaskPlannerDeps } from './task-planner.ts'

export interface SubmitCommandsDeps extends TaskPlannerDeps {
  readonly sql: Sql
  readonly submitter: Submitter
  readonly quotas: Pick<QuotaService, 'hold' | 'isExceeded'>
}

/** The largest number of tasks in one `submitTasks`. */
const submitLimit = 1_000

/** The commands that create tasks. */
export function createSubmitCommands({ sql, submitter, quotas, ...deps }: SubmitCommandsDeps) {
  const planner = createTaskPlanner(deps)

  /**
   * Submits one task; returns once it is committed.
   * @throws {UnknownTaskType} @throws {InvalidInput} @throws {TaskKeyReused} @throws {QuotaExceeded}
   */
  async function submit(caller: Caller, request: Submission): Promise<Submitted> {
    caller.must('tasks:write', request.type)
    const task = await planner.plan(caller, request)
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

  async function planAll(caller: Caller, requests: readonly Submission[]): Promise<NewTask[]> {
    for (const { type } of requests) caller.must('tasks:write', type)
    if (requests.length > submitLimit)
      throw new InvalidInput(`At most ${submitLimit} tasks can be submitted together; there are ${requests.length}.`)
    const known = await planner.typesFor(caller, requests)
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
      return await planner.planOf(caller, request, known)
    } catch (error) {
      throw error instanceof InvalidInput ? invalidItem(`Task ${index}`, `tasks.${index}`, error) : error
    }
  }

  return { submit, submitAll, submitWithin }
}
