import type { Caller } from '#domain/access/service.ts'
import { CursorExpired } from '#lib/cursor.ts'
import { invalidValue } from '#lib/errors.ts'
import type { Submission } from './submission.ts'
import type { Submitted } from './submitter.ts'
import { hasEnded } from './task.ts'
import type { TaskUpdate } from './updates.ts'

export interface TaskWaitsDeps {
  readonly submit: (caller: Caller, request: Submission) => Promise<Submitted>
  readonly updates: (caller: Caller, id: string) => Promise<AsyncGenerator<TaskUpdate>>
}

const maxWaitMs = 60_000
/** So many callers wait in this process at once; more get their answers without waiting. */
const maxWaiting = 1_000

/** Submissions whose callers wait for the task to end. */
export function createTaskWaits({ submit, updates }: TaskWaitsDeps) {
  let waiting = 0

  /**
   * Submits a task, and returns when it has ended, after `waitMs`, at most 60,000, or when the caller has left, whichever
   * comes first; at once when too many wait already. @throws as `submit`
   */
  async function submitAndWait(
    caller: Caller,
    request: Submission,
    waitMs: number,
    left: () => AbortSignal,
  ): Promise<Submitted> {
    if (waitMs < 0 || waitMs > maxWaitMs)
      throw invalidValue('`waitMs`', 'waitMs', `must be 0 to ${maxWaitMs}, but is ${waitMs}`)
    const submitted = await submit(caller, request)
    if (waitMs === 0 || waiting >= maxWaiting) return submitted
    waiting += 1
    try {
      await untilEnd(await updates(caller, submitted.taskId), AbortSignal.any([AbortSignal.timeout(waitMs), left()]))
    } catch (error) {
      // The stream broke with a failover; the task's row says where it stands.
      if (!(error instanceof CursorExpired)) throw error
    } finally {
      waiting -= 1
    }
    const { taskId, deduplicated } = submitted
    return { taskId, deduplicated }
  }

  return { submitAndWait }
}

/** Reads until the task has ended, or the signal aborts. */
async function untilEnd(updates: AsyncGenerator<TaskUpdate>, over: AbortSignal): Promise<void> {
  const stop = () => void updates.return(undefined)
  over.addEventListener('abort', stop, { once: true })
  if (over.aborted) stop()
  try {
    for await (const { status } of updates) if (status !== undefined && hasEnded(status)) return
  } finally {
    over.removeEventListener('abort', stop)
  }
}
