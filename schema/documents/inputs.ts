import { defaultCollection } from '#domain/documents/name.ts'
import type { DocumentRequest } from '#domain/documents/request.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { idempotencyKey } from '#schema/idempotency.ts'
import { fence } from '#schema/locks/fence.ts'

/** What an input says of the document that it is about. */
export const collectionField = {
  required: true,
  defaultValue: defaultCollection,
  description: 'The path of its collection, made with its first document.',
} as const
export const keyField = { required: true, description: 'Its key.' } as const
const expectedVersionField = {
  description: 'The version that is changed; 0: there must be no such document. Whichever it is when absent.',
} as const
const ttlField = { description: 'After how many milliseconds it is deleted by itself; never when absent.' } as const

type Fields = PothosSchemaTypes.InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

const putFields = (t: Fields) => ({
  collection: t.string(collectionField),
  key: t.string(keyField),
  data: t.field({ type: 'JSON', description: 'Any JSON value of at most 1 MiB; null when absent.' }),
  expectedVersion: t.int(expectedVersionField),
  ifExists: t.boolean({ description: 'True: only if there is such a document, whatever its version.' }),
  ttlMs: t.float(ttlField),
})

const patchFields = (t: Fields) => ({
  collection: t.string(collectionField),
  key: t.string(keyField),
  mergePatch: t.field({ type: 'JSON', description: 'A JSON Merge Patch (RFC 7396): null removes a member.' }),
  jsonPatch: t.field({
    type: 'JSON',
    description: 'A JSON Patch (RFC 6902) of at most 1,000 operations; `test` makes it depend on what is there.',
  }),
  expectedVersion: t.int(expectedVersionField),
  ttlMs: t.float({ description: 'After how many milliseconds it is deleted by itself; as it was when absent.' }),
})

const deleteFields = (t: Fields) => ({
  collection: t.string(collectionField),
  key: t.string(keyField),
  expectedVersion: t.int(expectedVersionField),
})

const restoreFields = (t: Fields) => ({
  collection: t.string(collectionField),
  key: t.string(keyField),
  version: t.int({ required: true, description: 'Which; not a deletion.' }),
  expectedVersion: t.int(expectedVersionField),
})

export const PutDocumentInput = builder.inputType('PutDocumentInput', {
  description: 'What a document is to hold.',
  fields: (t) => ({ ...putFields(t), fence: t.field(fence), idempotencyKey: t.string(idempotencyKey) }),
})

export const PatchDocumentInput = builder.inputType('PatchDocumentInput', {
  description: 'A part of a document to be changed, by one kind of patch or the other.',
  fields: (t) => ({ ...patchFields(t), fence: t.field(fence) }),
})

export const DeleteDocumentInput = builder.inputType('DeleteDocumentInput', {
  description: 'A document to be deleted.',
  fields: (t) => ({ ...deleteFields(t), fence: t.field(fence) }),
})

export const RestoreDocumentInput = builder.inputType('RestoreDocumentInput', {
  description: 'A version to be brought back.',
  fields: (t) => ({ ...restoreFields(t), fence: t.field(fence) }),
})

const DocumentPutInput = builder.inputType('DocumentPutInput', {
  description: 'What a document is to hold, as one write of several.',
  fields: putFields,
})

const DocumentPatchInput = builder.inputType('DocumentPatchInput', {
  description: 'A part of a document to be changed, as one write of several.',
  fields: patchFields,
})

const DocumentDeleteInput = builder.inputType('DocumentDeleteInput', {
  description: 'A document to be deleted, as one write of several.',
  fields: deleteFields,
})

const DocumentRestoreInput = builder.inputType('DocumentRestoreInput', {
  description: 'A version to be brought back, as one write of several.',
  fields: restoreFields,
})

/** A write as the service takes it. */
export function toPut({
  data = null,
  expectedVersion,
  ifExists,
  ttlMs,
  ...name
}: typeof DocumentPutInput.$inferInput): DocumentRequest & { readonly kind: 'put' } {
  return { kind: 'put', ...name, data, ...present({ expectedVersion, ttlMs }), ...(ifExists === true && { ifExists }) }
}

export function toPatch({ expectedVersion, ttlMs, ...rest }: typeof DocumentPatchInput.$inferInput): DocumentRequest {
  return { kind: 'patch', ...rest, ...present({ expectedVersion, ttlMs }) }
}

export function toDelete({ expectedVersion, ...name }: typeof DocumentDeleteInput.$inferInput): DocumentRequest {
  return { kind: 'delete', ...name, ...present({ expectedVersion }) }
}

export function toRestore({ expectedVersion, ...rest }: typeof DocumentRestoreInput.$inferInput): DocumentRequest {
  return { kind: 'restore', ...rest, ...present({ expectedVersion }) }
}

/** What was given: null is as good as absent. */
function present<Given extends Record<string, number | null | undefined>>(given: Given) {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value != null)) as {
    [name in keyof Given]?: number
  }
}

const DocumentWrite = builder.inputType('DocumentWrite', {
  description: 'One of several writes.',
  isOneOf: true,
  fields: (t) => ({
    put: t.field({ type: DocumentPutInput, description: 'As `putDocument`.' }),
    patch: t.field({ type: DocumentPatchInput, description: 'As `patchDocument`.' }),
    delete: t.field({ type: DocumentDeleteInput, description: 'As `deleteDocument`.' }),
    restore: t.field({ type: DocumentRestoreInput, description: 'As `restoreDocument`.' }),
  }),
})

export const WriteDocumentsInput = builder.inputType('WriteDocumentsInput', {
  description: 'Writes to be done together.',
  fields: (t) => ({
    writes: t.field({
      type: [DocumentWrite],
      required: true,
      description: 'At most 500, in any collections; done in their order, each on what those before it have made.',
    }),
    fence: t.field({ ...fence, description: 'A lock that has to be held, for any of them to be done.' }),
  }),
})

export function toRequest({ put, patch, delete: remove, restore }: typeof DocumentWrite.$inferInput): DocumentRequest {
  if (put != null) return toPut(put)
  if (patch != null) return toPatch(patch)
  if (remove != null) return toDelete(remove)
  if (restore != null) return toRestore(restore)
  throw new InvalidInput('A write is one of put, patch, delete and restore.')
}
