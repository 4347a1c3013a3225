import type { VersionRow } from '#domain/documents/document.ts'
import {
  CollectionExists,
  CollectionNotFound,
  DocumentNotFound,
  ExistingDocumentsInvalid,
} from '#domain/documents/errors.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { CollectionRef, RetentionKind } from './collection.ts'
import { DocumentVersion } from './document.ts'
import { collectionField, keyField } from './inputs.ts'
import { ValueTypeEnum } from './order.ts'
import './failures.ts'

/** A payload that is one collection, read again. */
function collectionPayload(name: string, description: string) {
  return builder.objectRef<{ path: string }>(name).implement({
    description,
    fields: (t) => ({
      collection: t.prismaField({
        type: CollectionRef,
        description: 'As it is now.',
        resolve: (query, { path }, _args, { caller, db }) =>
          db.collection.findUniqueOrThrow({
            ...query,
            where: { accountId_path: { accountId: caller.accountId, path } },
          }),
      }),
    }),
  })
}

const RetentionInput = builder.inputType('RetentionInput', {
  description: 'How long versions of documents are to be kept.',
  fields: (t) => ({
    kind: t.field({ type: RetentionKind, required: true, description: 'By what.' }),
    versions: t.int({ description: 'KEEP_LAST: how many, including the current one.' }),
    days: t.int({ description: 'KEEP_DAYS: how many.' }),
  }),
})

const DocumentIndexInput = builder.inputType('DocumentIndexInput', {
  description: 'What documents are asked for, or sorted by.',
  fields: (t) => ({
    path: t.string({ required: true, description: 'As `path` of `DocumentFilter`.' }),
    type: t.field({ type: ValueTypeEnum, required: true, description: 'Of what is there.' }),
  }),
})

/** What is declared is the same for a new collection and for one that is there. */
const indexesField = {
  type: [DocumentIndexInput] as [typeof DocumentIndexInput],
  description:
    'Indexes for this collection, at most 8, and 64 of an account, that serve `eq`, `in`, `gt`, `gte`, `lt`, `lte`, `startsWith` and `orderBy`. They are built beside the work, and each is kept up to date by every write.',
}
const fullTextPathsField = {
  description: 'Where the words are that `search` finds, at most 8 paths; an index of them is built beside the work.',
} as const

const schemaText =
  'A JSON Schema (2020-12) of at most 64 KiB, without references to elsewhere; patterns are those of RE2.'

const CreateCollectionInput = builder.inputType('CreateCollectionInput', {
  description: 'A collection to be made.',
  fields: (t) => ({
    path: t.string({ required: true, description: '1 to 16 parts with `/` between them, at most 512 characters.' }),
    requireVersion: t.boolean({
      description: 'Whether each write has to say which version it changes; no when absent.',
    }),
    schema: t.field({ type: 'JSON', description: schemaText }),
    retention: t.field({ type: RetentionInput, description: 'KEEP_ALL when absent.' }),
    indexes: t.field(indexesField),
    fullTextPaths: t.stringList(fullTextPathsField),
  }),
})

builder.mutationField('createCollection', (t) =>
  t.field({
    type: collectionPayload('CreateCollectionPayload', 'The collection is created.'),
    description: 'Creates a collection, with rules for what is written to it.',
    args: { input: t.arg({ type: CreateCollectionInput, required: true, description: 'The collection.' }) },
    errors: { types: [InvalidInput, CollectionExists] },
    resolve: async (_root, { input }, { caller, documents }) => ({
      path: await documents.collections.create(caller, toRequest(input)),
    }),
  }),
)

const UpdateCollectionInput = builder.inputType('UpdateCollectionInput', {
  description: 'Rules to be changed; what is absent stays.',
  fields: (t) => ({
    path: t.string({ required: true, description: 'Of which collection.' }),
    requireVersion: t.boolean({ description: 'Whether each write has to say which version it changes.' }),
    schema: t.field({ type: 'JSON', description: `${schemaText} Null takes it away.` }),
    retention: t.field({ type: RetentionInput, description: 'How long versions are kept.' }),
    indexes: t.field(indexesField),
    fullTextPaths: t.stringList(fullTextPathsField),
    acceptExisting: t.boolean({
      description: 'Documents that don’t fit the new schema may stay as they are until they are written again.',
    }),
  }),
})

builder.mutationField('updateCollection', (t) =>
  t.field({
    type: collectionPayload('UpdateCollectionPayload', 'The rules are changed.'),
    description: 'Changes the rules of a collection, for what is written from then on.',
    args: { input: t.arg({ type: UpdateCollectionInput, required: true, description: 'The rules.' }) },
    errors: { types: [InvalidInput, CollectionNotFound, ExistingDocumentsInvalid] },
    resolve: async (_root, { input: { acceptExisting, ...input } }, { caller, documents }) => ({
      path: await documents.collections.update(caller, toRequest(input), acceptExisting ?? false),
    }),
  }),
)

type Given = Omit<typeof UpdateCollectionInput.$inferInput, 'acceptExisting'>
function toRequest({ path, requireVersion, schema, retention, indexes, fullTextPaths }: Given) {
  return {
    path,
    requireVersion: requireVersion ?? undefined,
    schema,
    indexes: indexes ?? undefined,
    fullTextPaths: fullTextPaths ?? undefined,
    retention:
      retention == null
        ? undefined
        : {
            kind: retention.kind,
            versions: retention.versions ?? null,
            days: retention.days ?? null,
          },
  } as const
}

const DeleteCollectionInput = builder.inputType('DeleteCollectionInput', {
  description: 'A collection to be deleted.',
  fields: (t) => ({ path: t.string({ required: true, description: 'Its path.' }) }),
})

const DeleteCollectionPayload = builder
  .objectRef<{ path: string; documents: number }>('DeleteCollectionPayload')
  .implement({
    description: 'The collection is gone; its path is free.',
    fields: (t) => ({
      path: t.exposeString('path', { description: 'The path of the collection.' }),
      documents: t.exposeInt('documents', { description: 'How many documents went with it.' }),
    }),
  })

builder.mutationField('deleteCollection', (t) =>
  t.field({
    type: DeleteCollectionPayload,
    description: 'Deletes a collection with all its documents and their versions, for good. Collections below it stay.',
    args: { input: t.arg({ type: DeleteCollectionInput, required: true, description: 'The collection to delete.' }) },
    errors: { types: [InvalidInput, CollectionNotFound] },
    resolve: async (_root, { input: { path } }, { caller, documents }) => ({
      path,
      documents: await documents.collections.remove(caller, path),
    }),
  }),
)

const PinDocumentVersionInput = builder.inputType('PinDocumentVersionInput', {
  description: 'A version to be kept.',
  fields: (t) => ({
    collection: t.string(collectionField),
    key: t.string(keyField),
    version: t.int({ required: true, description: 'The number of the version.' }),
    pinned: t.boolean({ required: true, defaultValue: true, description: 'False lets it go again.' }),
  }),
})

const PinDocumentVersionPayload = builder.objectRef<VersionRow>('PinDocumentVersionPayload').implement({
  description: 'The version is kept, or no longer.',
  fields: (t) => ({
    version: t.field({ type: DocumentVersion, description: 'As it is now.', resolve: (version) => version }),
  }),
})

builder.mutationField('pinDocumentVersion', (t) =>
  t.field({
    type: PinDocumentVersionPayload,
    description: 'Keeps a version whatever the collection’s retention says.',
    args: {
      input: t.arg({ type: PinDocumentVersionInput, required: true, description: 'The version to pin or unpin.' }),
    },
    errors: { types: [InvalidInput, DocumentNotFound] },
    resolve: (_root, { input: { version, pinned, ...name } }, { caller, documents }) =>
      documents.pin(caller, name, version, pinned),
  }),
)
