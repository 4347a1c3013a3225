import { defaultCollection } from '#domain/documents/name.ts'
import type { DocumentRequest } from '#domain/documents/request.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { idempotencyKey } from '#schema/idempotency.ts'
import { fence } from '#schema/locks/fence.ts'

/** The fields that identify a document in an input. */
export const collectionField = {
  required: true,
  defaultValue: defaultCollection,
  description: 'The path of its collection, which is created with its first document.',
} as const
export const keyField = { required: true, description: 'Its key.' } as const
const expectedVersionField = {
  description: 'The version to change; 0: the document must not exist. Default: any version.',
} as const
const ttlField = {
  description: 'Time to live in milliseconds, after which it is deleted; default: unlimited.',
} as const

type Fields = PothosSchemaTypes.InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

const putFields = (t: Fields) => ({
  collection: t.string(collectionField),
  key: t.string(keyField),
  data: t.field({ type: 'JSON', description: 'Any JSON value of at most 1 MiB; default null.' }),
  expectedVersion: t.int(expectedVersionField),
  ifExists: t.boolean({ description: 'True: only if the document exists, in any version.' }),
  ttlMs: t.float(ttlField),
})

const patchFields = (t: Fields) => ({
  collection: t.string(collectionField),
  key: t.string(keyField),
  mergePatch: t.field({ type: 'JSON', description: 'A JSON Merge Patch (RFC 7396): null removes a member.' }),
  jsonPatch: t.field({
    type: 'JSON',
    description:
      'A JSON Patch (RFC 6902) of at most 1,000 operations; `test` makes it conditional on the current value.',
  }),
  expectedVersion: t.int(expectedVersionField),
  ttlMs: t.float({ description: 'Time to live in milliseconds, after which it is deleted; default: unchanged.' }),
})

const deleteFields = (t: Fields) => ({
  collection: t.string(collectionField),
  key: t.string(keyField),
  expectedVersion: t.int(expectedVersionField),
})

const restoreFields = (t: Fields) => ({
  collection: t.string(collectionField),
  key: t.string(keyField),
  version: t.int({ required: true, description: 'The version to restore; must not be a deletion.' }),
  expectedVersion: t.int(expectedVersionField),
})

export const PutDocumentInput = builder.inputType('PutDocumentInput', {
  description: 'A document to write.',
  fields: (t) => ({ ...putFields(t), fence: t.field(fence), idempotencyKey: t.string(idempotencyKey) }),
})

export const PatchDocumentInput = builder.inputType('PatchDocumentInput', {
  description: 'A patch of a document: either a merge patch or a JSON Patch.',
  fields: (t) => ({ ...patchFields(t), fence: t.field(fence) }),
})

export const DeleteDocumentInput = builder.inputType('DeleteDocumentInput', {
  description: 'A document to delete.',
  fields: (t) => ({ ...deleteFields(t), fence: t.field(fence) }),
})

export const RestoreDocumentInput = builder.inputType('RestoreDocumentInput', {
  description: 'A version to restore.',
  fields: (t) => ({ ...restoreFields(t), fence: t.field(fence) }),
})

const DocumentPutInput = builder.inputType('DocumentPutInput', {
  description: 'A document to write, as one of several writes.',
  fields: putFields,
})

const DocumentPatchInput = builder.inputType('DocumentPatchInput', {
  description: 'A patch of a document, as one of several writes.',
  fields: patchFields,
})

const DocumentDeleteInput = builder.inputType('DocumentDeleteInput', {
  description: 'A document to delete, as one of several writes.',
  fields: deleteFields,
})

const DocumentRestoreInput = builder.inputType('DocumentRestoreInput', {
  description: 'A version to restore, as one of several writes.',
  fields: restoreFields,
})

/** A write as the service accepts it. */
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

/** The given value; null counts as absent. */
function present<Given extends Record<string, number | null | undefined>>(given: Given) {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value != null)) as {
    [name in keyof Given]?: number
  }
}

const DocumentWrite = builder.inputType('DocumentWrite', {
  description: 'One of several writes; exactly one field must be given.',
  isOneOf: true,
  fields: (t) => ({
    put: t.field({ type: DocumentPutInput, description: 'The same as `putDocument`.' }),
    patch: t.field({ type: DocumentPatchInput, description: 'The same as `patchDocument`.' }),
    delete: t.field({ type: DocumentDeleteInput, description: 'The same as `deleteDocument`.' }),
    restore: t.field({ type: DocumentRestoreInput, description: 'The same as `restoreDocument`.' }),
  }),
})

export const WriteDocumentsInput = builder.inputType('WriteDocumentsInput', {
  description: 'Writes to do together.',
  fields: (t) => ({
    writes: t.field({
      type: [DocumentWrite],
      required: true,
      description: 'At most 500, in any collections; done in order, each on top of those before it.',
    }),
    fence: t.field({ ...fence, description: 'A lock that the caller must hold for any of them to be done.' }),
  }),
})

export function toRequest({ put, patch, delete: remove, restore }: typeof DocumentWrite.$inferInput): DocumentRequest {
  if (put != null) return toPut(put)
  if (patch != null) return toPatch(patch)
  if (remove != null) return toDelete(remove)
  if (restore != null) return toRestore(restore)
  throw new InvalidInput('A write must be exactly one of put, patch, delete and restore.')
}
