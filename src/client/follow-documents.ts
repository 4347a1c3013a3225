import type { SignalboxClient } from './client.ts'
import {
  DocumentChangeStreamDocument,
  type DocumentChangeStreamSubscription,
  type DocumentFilter,
} from './generated/graphql.ts'
import { type FollowOptions, resume } from './resume.ts'

/** A document that matches, or something that happened to one. */
export type DocumentChange = DocumentChangeStreamSubscription['documentChanges']

export interface DocumentSelection {
  /** The path pattern of their collections. */
  readonly in: string
  readonly where?: DocumentFilter | undefined
}

/**
 * The documents that match, then each change to them, across restarts of the server; after a cursor, changes only. If the
 * connection breaks before `CAUGHT_UP`, the snapshot is sent again. The stream has no end. `LAGGED` is never yielded:
 * dropped changes are fetched again. @throws {SignalboxError} @throws {SignalboxUnreachable} when patience ends.
 */
export function followDocuments(
  client: SignalboxClient,
  selection: DocumentSelection,
  options: FollowOptions = {},
): AsyncGenerator<DocumentChange, void> {
  const { signal } = options
  return resume<DocumentChange>(
    {
      async *open(after, onConnected) {
        const stream = client.subscribe(DocumentChangeStreamDocument, { ...selection, after }, { signal, onConnected })
        for await (const { documentChanges } of stream) yield documentChanges
      },
      cursorOf: ({ cursor }) => cursor ?? undefined,
      isLagged: ({ kind }) => kind === 'LAGGED',
      isLast: () => false,
      isOver: async () => false,
    },
    options,
  )
}
