import type { DocumentState } from '#domain/documents/document.ts'
import { DocumentNotFound, PatchFailed, VersionConflict, VersionRequired } from '#domain/documents/errors.ts'
import { defaultCollection } from '#domain/documents/name.ts'
import { QuotaExceeded } from '#domain/quotas/errors.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { DocumentRef } from './document.ts'
import './failures.ts'

/** What an input says of the document that it is about. */
const collectionField = {
  required: true,
  defaultValue: defaultCollection,
  description: 'The path of its collection, made with its first document.',
} as const
const keyField = { required: true, description: 'Its key.' } as const
const expectedVersionField = {
  description: 'The version that is changed; 0: there must be no such document. Whichever it is when absent.',
} as const
const ttlField = { description: 'After how many milliseconds it is deleted by itself; never when absent.' } as const

/** A payload that is one document as the write has made it. */
function documentPayload(name: string, description: string) {
  return builder.objectRef<DocumentState>(name).implement({
    description,
    fields: (t) => ({
      document: t.field({
        type: DocumentRef,
        description: 'As the write has made it.',
        resolve: (document) => document,
      }),
    }),
  })
}

const PutDocumentInput = builder.inputType('PutDocumentInput', {
  description: 'What a document is to hold.',
  fields: (t) => ({
    collection: t.string(collectionField),
    key: t.string(keyField),
    data: t.field({ type: 'JSON', description: 'Any JSON value of at most 1 MiB; null when absent.' }),
    expectedVersion: t.int(expectedVersionField),
    ttlMs: t.float(ttlField),
  }),
})

builder.mutationField('putDocument', (t) =>
  t.field({
    type: documentPayload('PutDocumentPayload', 'The document is written.'),
    description: 'Makes a document, or puts another value into it.',
    args: { input: t.arg({ type: PutDocumentInput, required: true, description: 'The document.' }) },
    errors: { types: [InvalidInput, VersionConflict, VersionRequired, QuotaExceeded] },
    resolve: (_root, { input }, { caller, documents }) => {
      const { data = null, expectedVersion, ttlMs, ...name } = input
      return documents.write(caller, {
        kind: 'put',
        ...name,
        data,
        expectedVersion: expectedVersion ?? undefined,
        ttlMs: ttlMs ?? undefined,
      })
    },
  }),
)

const PatchDocumentInput = builder.inputType('PatchDocumentInput', {
  description: 'A part of a document to be changed, by one kind of patch or the other.',
  fields: (t) => ({
    collection: t.string(collectionField),
    key: t.string(keyField),
    mergePatch: t.field({ type: 'JSON', description: 'A JSON Merge Patch (RFC 7396): null removes a member.' }),
    jsonPatch: t.field({
      type: 'JSON',
      description: 'A JSON Patch (RFC 6902) of at most 1,000 operations; `test` makes it depend on what is there.',
    }),
    expectedVersion: t.int(expectedVersionField),
    ttlMs: t.float({ description: 'After how many milliseconds it is deleted by itself; as it was when absent.' }),
  }),
})

builder.mutationField('patchDocument', (t) =>
  t.field({
    type: documentPayload('PatchDocumentPayload', 'The document is changed.'),
    description: 'Changes a part of a document. Nobody can write between what the patch reads and what it writes.',
    args: { input: t.arg({ type: PatchDocumentInput, required: true, description: 'What to change.' }) },
    errors: {
      types: [InvalidInput, DocumentNotFound, VersionConflict, VersionRequired, PatchFailed, QuotaExceeded],
    },
    resolve: (_root, { input: { expectedVersion, ttlMs, ...rest } }, { caller, documents }) =>
      documents.write(caller, {
        kind: 'patch',
        ...rest,
        expectedVersion: expectedVersion ?? undefined,
        ttlMs: ttlMs ?? undefined,
      }),
  }),
)

const DeleteDocumentInput = builder.inputType('DeleteDocumentInput', {
  description: 'A document to be deleted.',
  fields: (t) => ({
    collection: t.string(collectionField),
    key: t.string(keyField),
    expectedVersion: t.int(expectedVersionField),
  }),
})

builder.mutationField('deleteDocument', (t) =>
  t.field({
    type: documentPayload('DeleteDocumentPayload', 'The document is deleted; its versions stay.'),
    description: 'Deletes a document, as a version of its own: what it held can be restored.',
    args: { input: t.arg({ type: DeleteDocumentInput, required: true, description: 'Which.' }) },
    errors: { types: [InvalidInput, DocumentNotFound, VersionConflict, VersionRequired] },
    resolve: (_root, { input: { expectedVersion, ...name } }, { caller, documents }) =>
      documents.write(caller, { kind: 'delete', ...name, expectedVersion: expectedVersion ?? undefined }),
  }),
)

const RestoreDocumentInput = builder.inputType('RestoreDocumentInput', {
  description: 'A version to be brought back.',
  fields: (t) => ({
    collection: t.string(collectionField),
    key: t.string(keyField),
    version: t.int({ required: true, description: 'Which; not a deletion.' }),
    expectedVersion: t.int(expectedVersionField),
  }),
})

builder.mutationField('restoreDocument', (t) =>
  t.field({
    type: documentPayload('RestoreDocumentPayload', 'The document holds again what it did.'),
    description: 'Makes an earlier version the present one, as a new version; also of a document that is deleted.',
    args: { input: t.arg({ type: RestoreDocumentInput, required: true, description: 'Which.' }) },
    errors: { types: [InvalidInput, DocumentNotFound, VersionConflict, VersionRequired, QuotaExceeded] },
    resolve: (_root, { input: { expectedVersion, ...rest } }, { caller, documents }) =>
      documents.write(caller, { kind: 'restore', ...rest, expectedVersion: expectedVersion ?? undefined }),
  }),
)
