import type { DocumentState } from '#domain/documents/document.ts'
import {
  DocumentNotFound,
  PatchFailed,
  SchemaViolation,
  VersionConflict,
  VersionRequired,
  WritesRefused,
} from '#domain/documents/errors.ts'
import { FenceLost } from '#domain/locks/errors.ts'
import { QuotaExceeded } from '#domain/quotas/errors.ts'
import { InvalidInput } from '#lib/errors.ts'
import { IdempotencyKeyReused } from '#platform/database/idempotency.ts'
import { builder } from '#schema/builder.ts'
import { fenceOf } from '#schema/locks/fence.ts'
import { DocumentRef } from './document.ts'
import './failures.ts'
import {
  DeleteDocumentInput,
  PatchDocumentInput,
  PutDocumentInput,
  RestoreDocumentInput,
  toDelete,
  toPatch,
  toPut,
  toRequest,
  toRestore,
  WriteDocumentsInput,
} from './inputs.ts'

/** A payload with the document after the write. */
function documentPayload(name: string, description: string) {
  return builder.objectRef<DocumentState>(name).implement({
    description,
    fields: (t) => ({
      document: t.field({
        type: DocumentRef,
        description: 'The document after the write.',
        resolve: (document) => document,
      }),
    }),
  })
}

builder.mutationField('putDocument', (t) =>
  t.field({
    type: documentPayload('PutDocumentPayload', 'The document was written.'),
    description: 'Creates a document, or replaces its value.',
    args: { input: t.arg({ type: PutDocumentInput, required: true, description: 'The document.' }) },
    errors: {
      types: [
        InvalidInput,
        SchemaViolation,
        VersionConflict,
        VersionRequired,
        FenceLost,
        QuotaExceeded,
        IdempotencyKeyReused,
      ],
    },
    resolve: (_root, { input: { fence, idempotencyKey, ...input } }, { caller, documents }) =>
      documents.put(caller, toPut(input), fenceOf(fence), idempotencyKey ?? undefined),
  }),
)

builder.mutationField('patchDocument', (t) =>
  t.field({
    type: documentPayload('PatchDocumentPayload', 'The document was changed.'),
    description: 'Changes part of a document, atomically: no other write can come between.',
    args: { input: t.arg({ type: PatchDocumentInput, required: true, description: 'What to change.' }) },
    errors: {
      types: [
        InvalidInput,
        SchemaViolation,
        DocumentNotFound,
        VersionConflict,
        VersionRequired,
        PatchFailed,
        FenceLost,
        QuotaExceeded,
      ],
    },
    resolve: (_root, { input: { fence, ...input } }, { caller, documents }) =>
      documents.write(caller, toPatch(input), fenceOf(fence)),
  }),
)

builder.mutationField('deleteDocument', (t) =>
  t.field({
    type: documentPayload('DeleteDocumentPayload', 'The document was deleted; its versions are kept.'),
    description: 'Deletes a document. The deletion is a version of its own, so earlier versions can be restored.',
    args: { input: t.arg({ type: DeleteDocumentInput, required: true, description: 'The document to delete.' }) },
    errors: { types: [InvalidInput, DocumentNotFound, VersionConflict, VersionRequired, FenceLost] },
    resolve: (_root, { input: { fence, ...input } }, { caller, documents }) =>
      documents.write(caller, toDelete(input), fenceOf(fence)),
  }),
)

builder.mutationField('restoreDocument', (t) =>
  t.field({
    type: documentPayload('RestoreDocumentPayload', 'The earlier value was restored.'),
    description: 'Restores an earlier version as a new one; also of a deleted document.',
    args: {
      input: t.arg({
        type: RestoreDocumentInput,
        required: true,
        description: 'The document and the version to restore.',
      }),
    },
    errors: {
      types: [
        InvalidInput,
        SchemaViolation,
        DocumentNotFound,
        VersionConflict,
        VersionRequired,
        FenceLost,
        QuotaExceeded,
      ],
    },
    resolve: (_root, { input: { fence, ...input } }, { caller, documents }) =>
      documents.write(caller, toRestore(input), fenceOf(fence)),
  }),
)

const WriteDocumentsPayload = builder
  .objectRef<{ documents: readonly DocumentState[] }>('WriteDocumentsPayload')
  .implement({
    description: 'All writes were done.',
    fields: (t) => ({
      documents: t.field({
        type: [DocumentRef],
        description: 'The document after each write, in order.',
        resolve: ({ documents }) => [...documents],
      }),
    }),
  })

builder.mutationField('writeDocuments', (t) =>
  t.field({
    type: WriteDocumentsPayload,
    description: 'Does up to 500 writes: all of them, or none.',
    args: { input: t.arg({ type: WriteDocumentsInput, required: true, description: 'The writes.' }) },
    errors: { types: [InvalidInput, WritesRefused, FenceLost, QuotaExceeded] },
    resolve: async (_root, { input }, { caller, documents }) => ({
      documents: await documents.writeAll(caller, input.writes.map(toRequest), fenceOf(input.fence)),
    }),
  }),
)
