import type { DocumentChange, documentChangeKinds } from '#domain/documents/changes/follow.ts'
import { builder } from '#schema/builder.ts'
import { DocumentRef } from './document.ts'
import { DocumentFilter } from './filter.ts'

const DocumentChangeKind = builder.enumType('DocumentChangeKind', {
  description: 'What kind of change.',
  values: {
    ENTER: {
      description: 'It matches: existing documents first, then those that are created, or changed so that they match.',
    },
    UPDATE: { description: 'It matched, and does so still.' },
    LEAVE: { description: 'It was changed so that it matches no longer.' },
    DELETE: { description: 'It was deleted, or its time has come.' },
    COLLECTION_DELETED: { description: 'A collection is gone with all its documents, which are not told one by one.' },
    CAUGHT_UP: { description: 'What was there has been told; from here on, streams can go on.' },
    LAGGED: { description: 'Changes were dropped because the subscriber was too slow.' },
  } satisfies Record<(typeof documentChangeKinds)[number], object>,
})

const DocumentChangeRef = builder.objectRef<DocumentChange>('DocumentChange').implement({
  description: 'A document that matches, or something that happened to one.',
  fields: (t) => ({
    kind: t.expose('kind', { type: DocumentChangeKind, description: 'What kind of change.' }),
    cursor: t.string({
      nullable: true,
      description:
        'Where a later stream resumes; null before CAUGHT_UP, when it has to start again. Of LAGGED: from where the dropped updates can be read again.',
      resolve: ({ cursor }) => cursor ?? null,
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    collection: t.string({
      nullable: true,
      description: 'Of which collection; null for CAUGHT_UP and LAGGED.',
      resolve: ({ collection }) => collection ?? null,
    }),
    key: t.string({
      nullable: true,
      description: 'Of which document; null for what is not about one.',
      resolve: ({ key }) => key ?? null,
    }),
    document: t.field({
      type: DocumentRef,
      nullable: true,
      description: 'As the change has made it.',
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
    description: 'First the documents that match, then each change to what matches: once, in commit order.',
    args: {
      in: t.arg.string({ required: true, description: 'The path pattern of their collections, as of `documents`.' }),
      where: t.arg({ type: DocumentFilter, description: 'Which; all when absent.' }),
      after: t.arg.string({ description: 'Resume after this cursor (from any stream), without the initial snapshot.' }),
    },
    subscribe: (_root, { where, after, ...query }, { caller, documentQueries }) =>
      documentQueries.changes(caller, { in: query.in, where: where ?? undefined }, after ?? undefined),
    resolve: (change) => change,
  }),
)
