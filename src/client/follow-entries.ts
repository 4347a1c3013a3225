import type { SignalboxClient } from './client.ts'
import { EntryChangesDocument, type EntryChangesSubscription } from './generated/graphql.ts'
import { type FollowOptions, resume } from './resume.ts'

/** Something that is, or happened, among entries. */
export type EntryChange = EntryChangesSubscription['entryChanges']

/**
 * What entries there are whose keys begin with a prefix, and then what happens to them, across restarts of the server;
 * after a cursor, only what happens. It never ends by itself. Should it break while what is is being told, it is told
 * from its beginning. `LAGGED` is never yielded: what was dropped is fetched again.
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
