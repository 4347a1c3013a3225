import type { SignalboxClient } from './client.ts'
import { TaskFeedDocument, type TaskFeedSubscription, type TaskFilter } from './generated/graphql.ts'
import { type FollowOptions, resume } from './resume.ts'

/** Something that happened to one of many tasks. */
export type TaskFeedUpdate = TaskFeedSubscription['taskFeed']

/**
 * The updates of all tasks that match, from now on or after a cursor, across restarts of the server. The stream has no
 * end. `LAGGED` is never yielded: dropped updates are fetched again.
 * @throws {SignalboxError} @throws {SignalboxUnreachable} when patience ends.
 */
export function followTasks(
  client: SignalboxClient,
  where: TaskFilter | undefined,
  options: FollowOptions = {},
): AsyncGenerator<TaskFeedUpdate, void> {
  const { signal } = options
  return resume<TaskFeedUpdate>(
    {
      async *open(after, onConnected) {
        const stream = client.subscribe(TaskFeedDocument, { where, after }, { signal, onConnected })
        for await (const { taskFeed } of stream) yield taskFeed
      },
      cursorOf: ({ cursor }) => cursor,
      isLagged: ({ kind }) => kind === 'LAGGED',
      isLast: () => false,
      isOver: async () => false,
    },
    options,
  )
}
