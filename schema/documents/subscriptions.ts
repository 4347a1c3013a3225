import type { DocumentChange, documentChangeKinds } from '#domain/documents/changes/follow.ts'
import { builder } from '#schema/builder.ts'
import { DocumentRef } from './document.ts'
import { DocumentFilter } from './filter.ts'

const DocumentChangeKind = builder.enumType('DocumentChangeKind', {
  description: 'The kind of change.',
  values: {
    ENTER: {
      description: 'It matches: existing documents first, then those that are created or changed so that they match.',
    },
    UPDATE: { description: 'It was changed and still matches.' },
    LEAVE: { description: 'It was changed and no longer matches.' },
    DELETE: { description: 'It was deleted or has expired.' },
    COLLECTION_DELETED: {
      description: 'A collection was deleted with all its documents, which are not reported one by one.',
    },
    CAUGHT_UP: { description: 'All existing documents were sent; streams can resume from here on.' },
    LAGGED: { description: 'Changes were dropped because the subscriber was too slow.' },
  } satisfies Record<(typeof documentChangeKinds)[number], object>,
})

const DocumentChangeRef = builder.objectRef<DocumentChange>('DocumentChange').implement({
  description: 'A matching document, or a change of one.',
  fields: (t) => ({
    kind: t.expose('kind', { type: DocumentChangeKind, description: 'The kind of change.' }),
    cursor: t.string({
      nullable: true,
      description:
        'Where a later stream resumes; null before CAUGHT_UP, when it has to start over. For LAGGED: from where the dropped updates can be read again.',
      resolve: ({ cursor }) => cursor ?? null,
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    collection: t.string({
      nullable: true,
      description: 'The path of the collection; null for CAUGHT_UP and LAGGED.',
      resolve: ({ collection }) => collection ?? null,
    }),
    key: t.string({
      nullable: true,
      description: 'The key of the document; null for updates that are not about one.',
      resolve: ({ key }) => key ?? null,
    }),
    document: t.field({
      type: DocumentRef,
      nullable: true,
      description: 'The document after the change.',
      resolve: ({ document }) => document ?? null,
    }),
    previous: t.field({
      type: DocumentRef,
      nullable: true,
      description: 'Its previous state; null for existing documents, for a first version, and when that has expired.',
      resolve: ({ previous }) => previous ?? null,
    }),
    skipped: t.int({
      nullable: true,
      description: 'LAGGED: how many changes were dropped.',
      resolve: ({ skipped }) => skipped ?? null,
    }),
  }),
})

builder.subscriptionField('documentChanges', (t) =>
  t.field({
    type: DocumentChangeRef,
    description: 'The matching documents, then each change to them: once, in commit order.',
    args: {
      in: t.arg.string({ required: true, description: 'The path pattern of their collections, as in `documents`.' }),
      where: t.arg({ type: DocumentFilter, description: 'Only those that match; default: all.' }),
      after: t.arg.string({ description: 'Resume after this cursor (from any stream), without the initial snapshot.' }),
    },
    subscribe: (_root, { where, after, ...query }, { caller, documentQueries }) =>
      documentQueries.changes(caller, { in: query.in, where: where ?? undefined }, after ?? undefined),
    resolve: (change) => change,
  }),
)
