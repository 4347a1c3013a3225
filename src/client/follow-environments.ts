import type { SignalboxClient } from './client.ts'
import { EnvironmentChangesDocument, type EnvironmentChangesSubscription } from './generated/graphql.ts'
import { type FollowOptions, resume } from './resume.ts'

/** Something that happened to an environment. */
export type EnvironmentChange = EnvironmentChangesSubscription['environmentChanges']

/**
 * Each change of environments, and of who holds them, across restarts of the server, from now on or after a cursor. The
 * stream has no end. `LAGGED` is never yielded: dropped changes are fetched again.
 * @throws {SignalboxError} @throws {SignalboxUnreachable} when patience ends.
 */
export function followEnvironments(
  client: SignalboxClient,
  options: FollowOptions = {},
): AsyncGenerator<EnvironmentChange, void> {
  const { signal } = options
  return resume<EnvironmentChange>(
    {
      async *open(after, onConnected) {
        const stream = client.subscribe(EnvironmentChangesDocument, { after }, { signal, onConnected })
        for await (const { environmentChanges } of stream) yield environmentChanges
      },
      cursorOf: ({ cursor }) => cursor,
      isLagged: ({ kind }) => kind === 'LAGGED',
      isLast: () => false,
      isOver: async () => false,
    },
    options,
  )
}
