import type { SignalboxClient } from './client.ts'
import { EntryChangesDocument, type EntryChangesSubscription } from './generated/graphql.ts'
import { type FollowOptions, resume } from './resume.ts'

/** Something that is, or happened, among entries. */
export type EntryChange = EntryChangesSubscription['entryChanges']

/**
 * The entries whose keys begin with a prefix, then each change to them, across restarts of the server; after a cursor,
 * changes only. The stream has no end. If the connection breaks during the snapshot, the snapshot is sent again.
 * `LAGGED` is never yielded: dropped changes are fetched again.
 * @throws {SignalboxError} @throws {SignalboxUnreachable} when patience ends.
 */
export function followEntries(
  client: SignalboxClient,
  prefix: string,
  options: FollowOptions = {},
): AsyncGenerator<EntryChange, void> {
  const { signal } = options
  return resume<EntryChange>(
    {
      async *open(after, onConnected) {
        const stream = client.subscribe(EntryChangesDocument, { prefix, after }, { signal, onConnected })
        for await (const { entryChanges } of stream) yield entryChanges
      },
      cursorOf: ({ cursor }) => cursor ?? undefined,
      isLagged: ({ kind }) => kind === 'LAGGED',
      isLast: () => false,
      isOver: async () => false,
    },
    options,
  )
}
