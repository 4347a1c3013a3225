import type { SignalboxClient } from './client.ts'
import { EventStreamDocument, type EventStreamSubscription } from './generated/graphql.ts'
import { type FollowOptions, resume } from './resume.ts'

/** Something that happened in the account. */
export type SignalboxEvent = EventStreamSubscription['events']

export interface EventSelection {
  /** Exact types, or families such as `task.*`. Default: all but the very frequent ones, such as `task.log`. */
  readonly types?: readonly string[] | undefined
  /** Only what is about this, such as `task:<id>`. */
  readonly subject?: string | undefined
}

export interface FollowEventsOptions extends FollowOptions {
  /** When the server says that a type is probably misspelled: once for each such sentence. */
  readonly onWarning?: ((warning: string) => void) | undefined
}

/**
 * What happens from now on, or after a cursor: each event once, in commit order, across restarts of the server. It does
 * not end on its own. `stream.lagged` and `stream.warning` are never yielded: what was dropped is fetched again, and
 * warnings go to `onWarning`.
 * @throws {SignalboxError} @throws {SignalboxUnreachable} when patience ends.
 */
export function followEvents(
  client: SignalboxClient,
  { types, subject }: EventSelection = {},
  options: FollowEventsOptions = {},
): AsyncGenerator<SignalboxEvent, void> {
  const { signal, onWarning } = options
  const warned = new Set<string>()
  return resume<SignalboxEvent>(
    {
      async *open(after, onConnected) {
        const variables = { types: types && [...types], subject, after }
        const stream = client.subscribe(EventStreamDocument, variables, { signal, onConnected })
        for await (const { events } of stream) {
          if (events.type === 'stream.warning') for (const warning of newWarnings(events, warned)) onWarning?.(warning)
          else yield events
        }
      },
      cursorOf: (event) => event.cursor,
      isLagged: (event) => event.type === 'stream.lagged',
      isLast: () => false,
      isOver: async () => false,
    },
    options,
  )
}

/** Each connection is warned again. */
function newWarnings({ data }: SignalboxEvent, warned: Set<string>): string[] {
  const { warnings } = data as { warnings: readonly string[] }
  const unknown = warnings.filter((warning) => !warned.has(warning))
  for (const warning of unknown) warned.add(warning)
  return unknown
}
