import { TaskStatusUpdatesDocument } from './generated/graphql.ts'
import type { Operations } from './operations.ts'
import { Refused } from './refused.ts'

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
  const over = Promise.withResolvers<undefined>()
  const stop = () => over.resolve(undefined)
  const timer = setTimeout(stop, seconds * 1000)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    for (;;) {
      const end = await followToEnd(operations, id, over.promise)
      if (end !== 'lost') return end
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

/**
 * Whether the task ended before `over` resolved; 'lost' when a failover undid what the subscription had told, so that
 * only the current state says where the task stands.
 */
async function followToEnd(operations: Operations, id: string, over: Promise<undefined>): Promise<boolean | 'lost'> {
  const updates = await operations.follow(TaskStatusUpdatesDocument, { id })
  try {
    for (;;) {
      const update = await Promise.race([updates.next(), over])
      if (update === undefined) return false
      if (hasEnded(update.taskUpdates.status)) return true
    }
  } catch (error) {
    if (codeOf(error) === 'CURSOR_EXPIRED') return 'lost'
    throw error
  } finally {
    updates.close()
  }
}

/**
 * Answers a client that submitted a task and waited, when a failover has lost the task.
 * @throws {Refused} as a request that may be repeated; any other error as it is
 */
export function throwAsLost(error: unknown): never {
  if (codeOf(error) !== 'NOT_FOUND') throw error
  throw new Refused('UNAVAILABLE', 'The task was lost when the database failed over. Submit it again.', {
    headers: { 'retry-after': '1' },
  })
}

/** A stream breaks off with the domain's own error, and isn't opened with one of GraphQL's. */
function codeOf(error: unknown): unknown {
  const { code, extensions } = error as { code?: unknown; extensions?: { readonly code?: unknown } }
  return code ?? extensions?.code
}
