import { TaskStatusUpdatesDocument } from './generated/graphql.ts'
import type { Operations } from './operations.ts'

const ended: ReadonlySet<string | null> = new Set(['COMPLETED', 'FAILED', 'CANCELLED'])

/** Whether nothing more happens to a task in this status by itself. */
export function hasEnded(status: string | null): boolean {
  return ended.has(status)
}

/**
 * Resolves when the task has ended, when `seconds` are over, or when the client has gone away; in any case the
 * subscription behind it is closed. @returns whether the task has ended. @throws {Refused} when there is no such task.
 */
export async function waitForEnd(
  { operations, signal }: { operations: Operations; signal: AbortSignal },
  id: string,
  seconds: number,
): Promise<boolean> {
  const updates = await operations.follow(TaskStatusUpdatesDocument, { id })
  const over = Promise.withResolvers<undefined>()
  const stop = () => over.resolve(undefined)
  const timer = setTimeout(stop, seconds * 1000)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    for (;;) {
      const update = await Promise.race([updates.next(), over.promise])
      if (update === undefined) return false
      if (hasEnded(update.taskUpdates.status)) return true
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    updates.close()
  }
}
