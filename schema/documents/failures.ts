import {
  CollectionExists,
  CollectionNotFound,
  DocumentNotFound,
  ExistingDocumentsInvalid,
  PatchFailed,
  SchemaViolation,
  type UnfitDocument,
  VersionConflict,
  VersionRequired,
  WritesRefused,
} from '#domain/documents/errors.ts'
import { builder } from '#schema/builder.ts'
import { Failure, failureType } from '#schema/failures.ts'

failureType(DocumentNotFound, 'DocumentNotFound', 'The document, or this version of it, does not exist.')
failureType(CollectionNotFound, 'CollectionNotFound', 'The collection does not exist.')
failureType(CollectionExists, 'CollectionExists', 'A collection with this path already exists.')
failureType(VersionRequired, 'VersionRequired', 'The collection requires each write to name the version it changes.')

builder.objectType(VersionConflict, {
  name: 'VersionConflict',
  description: 'The document has another version than expected: it was written since.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof VersionConflict,
  fields: (t) => ({
    collection: t.string({
      description: 'The collection of the document.',
      resolve: ({ document }) => document.collection,
    }),
    key: t.string({ description: 'The key of the document.', resolve: ({ document }) => document.key }),
    expectedVersion: t.exposeInt('expectedVersion', { description: 'The version that was expected.' }),
    currentVersion: t.exposeInt('currentVersion', {
      description: 'The current version; 0 when the document does not exist.',
    }),
    by: t.field({
      type: 'Actor',
      nullable: true,
      description: 'Who wrote the current version.',
      resolve: ({ currentBy }) => currentBy ?? null,
    }),
    at: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When.',
      resolve: ({ currentAt }) => currentAt ?? null,
    }),
  }),
})

builder.objectType(PatchFailed, {
  name: 'PatchFailed',
  description: 'The patch cannot be applied to the document: a path does not exist, or a `test` operation failed.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof PatchFailed,
  fields: (t) => ({
    operation: t.exposeInt('operation', { description: 'The index of the failed operation, from 0.' }),
  }),
})

type Refusal = WritesRefused['refusals'][number]
const WriteRefusal = builder.objectRef<Refusal>('WriteRefusal').implement({
  description: 'Why one of several writes failed.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'The index of the write, from 0.' }),
    code: t.string({
      description: 'The code, the same as for a single write.',
      resolve: ({ failure }) => failure.code,
    }),
    message: t.string({ description: 'A human-readable sentence.', resolve: ({ failure }) => failure.message }),
    currentVersion: t.int({
      nullable: true,
      description: 'VERSION_CONFLICT: the current version; 0 when the document does not exist.',
      resolve: ({ failure }) => (failure instanceof VersionConflict ? failure.currentVersion : null),
    }),
    by: t.field({
      type: 'Actor',
      nullable: true,
      description: 'VERSION_CONFLICT: who wrote the current version.',
      resolve: ({ failure }) => (failure instanceof VersionConflict ? (failure.currentBy ?? null) : null),
    }),
  }),
})

builder.objectType(WritesRefused, {
  name: 'WritesRefused',
  description: 'Nothing was written, because at least one write failed.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof WritesRefused,
  fields: (t) => ({
    refusals: t.field({
      type: [WriteRefusal],
      description: 'The failed writes. Each was evaluated as if those before it had succeeded.',
      resolve: ({ refusals }) => [...refusals],
    }),
  }),
})

builder.objectType(SchemaViolation, {
  name: 'SchemaViolation',
  description: 'The value does not match the schema of the collection.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof SchemaViolation,
  fields: (t) => ({
    path: t.exposeString('path', { description: 'A JSON Pointer into the document; empty for the whole document.' }),
    reason: t.exposeString('reason', { description: 'Why.' }),
  }),
})

const UnfitDocumentRef = builder.objectRef<UnfitDocument>('UnfitDocument').implement({
  description: 'A document that the new schema would refuse.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The key of the document.' }),
    version: t.exposeInt('version', { description: 'The checked version.' }),
    path: t.exposeString('path', { description: 'A JSON Pointer into the document.' }),
    reason: t.exposeString('reason', { description: 'Why.' }),
  }),
})

builder.objectType(ExistingDocumentsInvalid, {
  name: 'DocumentsDontFit',
  description: 'The schema was not changed, because existing documents do not match it.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof ExistingDocumentsInvalid,
  fields: (t) => ({
    documents: t.field({
      type: [UnfitDocumentRef],
      description: 'The documents, sorted by key, at most 100.',
      resolve: ({ documents }) => [...documents],
    }),
    more: t.exposeBoolean('more', { description: 'Whether there are more.' }),
  }),
})
