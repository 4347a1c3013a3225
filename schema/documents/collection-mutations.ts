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
        description: 'Its current state.',
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
  description: 'How long to keep versions of documents.',
  fields: (t) => ({
    kind: t.field({ type: RetentionKind, required: true, description: 'The rule.' }),
    versions: t.int({ description: 'KEEP_LAST: how many, including the current one.' }),
    days: t.int({ description: 'KEEP_DAYS: how many days.' }),
  }),
})

const DocumentIndexInput = builder.inputType('DocumentIndexInput', {
  description: 'An index that documents are queried or sorted by.',
  fields: (t) => ({
    path: t.string({ required: true, description: 'The same as `path` in `DocumentFilter`.' }),
    type: t.field({ type: ValueTypeEnum, required: true, description: 'The type of the values.' }),
  }),
})

/** The declarations are the same for a new and an existing collection. */
const indexesField = {
  type: [DocumentIndexInput] as [typeof DocumentIndexInput],
  description:
    'Indexes of this collection, at most 8, and 64 per account, that serve `eq`, `in`, `gt`, `gte`, `lt`, `lte`, `startsWith` and `orderBy`. They are built in the background, and every write updates them.',
}
const fullTextPathsField = {
  description: 'The paths that `search` looks at, at most 8; their index is built in the background.',
} as const

const schemaText =
  'A JSON Schema (2020-12) of at most 64 KiB, without external references; patterns use the RE2 syntax.'

const CreateCollectionInput = builder.inputType('CreateCollectionInput', {
  description: 'A collection to create.',
  fields: (t) => ({
    path: t.string({ required: true, description: '1 to 16 parts with `/` between them, at most 512 characters.' }),
    requireVersion: t.boolean({
      description: 'Whether each write must name the version it changes; default false.',
    }),
    schema: t.field({ type: 'JSON', description: schemaText }),
    retention: t.field({ type: RetentionInput, description: 'Default: KEEP_ALL.' }),
    indexes: t.field(indexesField),
    fullTextPaths: t.stringList(fullTextPathsField),
  }),
})

builder.mutationField('createCollection', (t) =>
  t.field({
    type: collectionPayload('CreateCollectionPayload', 'The collection was created.'),
    description: 'Creates a collection with rules for writes.',
    args: { input: t.arg({ type: CreateCollectionInput, required: true, description: 'The collection.' }) },
    errors: { types: [InvalidInput, CollectionExists] },
    resolve: async (_root, { input }, { caller, documents }) => ({
      path: await documents.collections.create(caller, toRequest(input)),
    }),
  }),
)

const UpdateCollectionInput = builder.inputType('UpdateCollectionInput', {
  description: 'The rules to change; absent fields keep their values.',
  fields: (t) => ({
    path: t.string({ required: true, description: 'The path of the collection.' }),
    requireVersion: t.boolean({ description: 'Whether each write must name the version it changes.' }),
    schema: t.field({ type: 'JSON', description: `${schemaText} Null takes it away.` }),
    retention: t.field({ type: RetentionInput, description: 'How long versions are kept.' }),
    indexes: t.field(indexesField),
    fullTextPaths: t.stringList(fullTextPathsField),
    acceptExisting: t.boolean({
      description: 'Whether existing documents may violate the new schema until they are written again.',
    }),
  }),
})

builder.mutationField('updateCollection', (t) =>
  t.field({
    type: collectionPayload('UpdateCollectionPayload', 'The rules were changed.'),
    description: 'Changes the rules of a collection for later writes.',
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
  description: 'A collection to delete.',
  fields: (t) => ({ path: t.string({ required: true, description: 'Its path.' }) }),
})

const DeleteCollectionPayload = builder
  .objectRef<{ path: string; documents: number }>('DeleteCollectionPayload')
  .implement({
    description: 'The collection was deleted, and its path can be used again.',
    fields: (t) => ({
      path: t.exposeString('path', { description: 'The path of the collection.' }),
      documents: t.exposeInt('documents', { description: 'Number of deleted documents.' }),
    }),
  })

builder.mutationField('deleteCollection', (t) =>
  t.field({
    type: DeleteCollectionPayload,
    description:
      'Permanently deletes a collection with all its documents and their versions. Collections below it are kept.',
    args: { input: t.arg({ type: DeleteCollectionInput, required: true, description: 'The collection to delete.' }) },
    errors: { types: [InvalidInput, CollectionNotFound] },
    resolve: async (_root, { input: { path } }, { caller, documents }) => ({
      path,
      documents: await documents.collections.remove(caller, path),
    }),
  }),
)

const PinDocumentVersionInput = builder.inputType('PinDocumentVersionInput', {
  description: 'A version to pin or unpin.',
  fields: (t) => ({
    collection: t.string(collectionField),
    key: t.string(keyField),
    version: t.int({ required: true, description: 'The number of the version.' }),
    pinned: t.boolean({ required: true, defaultValue: true, description: 'False unpins it.' }),
  }),
})

const PinDocumentVersionPayload = builder.objectRef<VersionRow>('PinDocumentVersionPayload').implement({
  description: 'The version was pinned or unpinned.',
  fields: (t) => ({
    version: t.field({ type: DocumentVersion, description: 'Its current state.', resolve: (version) => version }),
  }),
})

builder.mutationField('pinDocumentVersion', (t) =>
  t.field({
    type: PinDocumentVersionPayload,
    description: 'Exempts a version from the collection’s retention.',
    args: {
      input: t.arg({ type: PinDocumentVersionInput, required: true, description: 'The version to pin or unpin.' }),
    },
    errors: { types: [InvalidInput, DocumentNotFound] },
    resolve: (_root, { input: { version, pinned, ...name } }, { caller, documents }) =>
      documents.pin(caller, name, version, pinned),
  }),
)
