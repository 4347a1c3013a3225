import type { SignalboxClient } from './client.ts'
import {
  TaskOutcomeDocument,
  type TaskStatus,
  TaskUpdatesDocument,
  type TaskUpdatesSubscription,
} from './generated/graphql.ts'
import { type FollowOptions, resume } from './resume.ts'

/** Something that happened to a task. */
export type TaskUpdate = TaskUpdatesSubscription['taskUpdates']

/** Whether nothing more happens to a task of this status, unless somebody retries it. */
export function hasEnded(status: TaskStatus | null | undefined): boolean {
  return status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED'
}

/**
 * The updates of a task until it has ended, each once, across restarts of the server. Without `after`, the first update is
 * the current STATE. A STATE in the middle follows a gap, which `onReconnect` reports with the reason `expired`. LAGGED is
 * never yielded: dropped updates are fetched again.
 * @throws {SignalboxError} NOT_FOUND when there is no such task. @throws {SignalboxUnreachable} when patience ends.
 */
export function followTask(
  client: SignalboxClient,
  id: string,
  options: FollowOptions = {},
): AsyncGenerator<TaskUpdate, void> {
  const { signal } = options
  return resume<TaskUpdate>(
    {
      async *open(after, onConnected) {
        const stream = client.subscribe(TaskUpdatesDocument, { id, after }, { signal, onConnected })
        for await (const { taskUpdates } of stream) yield taskUpdates
      },
      cursorOf: (update) => update.cursor,
      isLagged: (update) => update.kind === 'LAGGED',
      isLast: (update) => (update.kind === 'STATE' || update.kind === 'STATUS') && hasEnded(update.status),
      async isOver() {
        const { task } = await client.request(TaskOutcomeDocument, { id }, { signal })
        return task === null || hasEnded(task.status)
      },
    },
    options,
  )
}
