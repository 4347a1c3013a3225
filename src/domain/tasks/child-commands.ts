import { InvalidInput } from '#lib/errors.ts'
import { isRecord } from '#lib/json.ts'
import type { Transact } from '#platform/database/transaction.ts'
import { lockAuthor } from './store/dependencies.ts'
import { planTask, type Submission, type TaskAuthor } from './submission.ts'
import type { SubmitCommandsDeps } from './submit-commands.ts'
import type { Attempt } from './task.ts'
import type { SubmittedChild } from './task-type.ts'

export interface ChildCommandsDeps extends Omit<SubmitCommandsDeps, 'sql'> {
  readonly transact: Transact
}

/** What running attempts do with tasks of their own. */
export function createChildCommands({ transact, types, clock, submitter, quotas }: ChildCommandsDeps) {
  /**
   * Submits a task as a child of one that runs, on behalf of who submitted that; returns once it is committed. The type of
   * the parent says which types its attempts may submit, whatever its submitter may. An idempotency key belongs to the
   * parent: another attempt that repeats the request gets the same child.
   * @throws {InvalidInput} also when the attempt has lost its task @throws as for any other submission
   */
  async function submitChild(attempt: Attempt, request: unknown): Promise<SubmittedChild> {
    const { accountId, taskId } = attempt
    const wanted = toSubmission(request)
    if (types.get(attempt.type)?.submits?.includes(wanted.type) !== true)
      throw new InvalidInput(
        `Tasks of the type "${attempt.type}" may not submit tasks of the type "${wanted.type}": \`submits\` of their type must name it.`,
      )
    const { submitted, announce } = await transact(async (tx) => {
      const actor = await lockAuthor(tx, attempt)
      if (actor === undefined) throw new InvalidInput('The attempt has lost its task.')
      const author: TaskAuthor = {
        accountId,
        principalId: `task:${taskId}`,
        by: () => ({ actor }),
        must: () => undefined,
        can: () => true,
      }
      const task = planTask(author, { ...wanted, parentId: taskId }, types, clock.now())
      const release = await quotas.hold(accountId, { waitingTasks: 1, storedBytes: task.storedBytes })
      return submitter.submitIn(tx, [task]).finally(release)
    })
    announce()
    const [child] = submitted
    if (child === undefined) throw new Error('A child was submitted, and there is no answer.')
    return { id: child.taskId, deduplicated: child.deduplicated }
  }

  return { submitChild }
}

/** What a handler asks for, whose parent is its own task. */
function toSubmission(request: unknown): Submission {
  if (!isRecord(request) || typeof request['type'] !== 'string')
    throw new InvalidInput('A task is submitted with a `type` and an `input`.')
  const { runAt, ...rest } = request
  const time = typeof runAt === 'string' ? new Date(runAt) : runAt
  return { input: {}, ...rest, ...(time !== undefined && { runAt: time }) } as Submission
}
