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

failureType(DocumentNotFound, 'DocumentNotFound', 'There is no such document, or no such version of it.')
failureType(CollectionNotFound, 'CollectionNotFound', 'There is no such collection.')
failureType(CollectionExists, 'CollectionExists', 'There is a collection of that path already.')
failureType(VersionRequired, 'VersionRequired', 'The collection wants each write to say which version it changes.')

builder.objectType(VersionConflict, {
  name: 'VersionConflict',
  description: 'The document is not at the version that was expected: somebody has written since.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof VersionConflict,
  fields: (t) => ({
    collection: t.string({ description: 'Of which document.', resolve: ({ document }) => document.collection }),
    key: t.string({ description: 'Of which document.', resolve: ({ document }) => document.key }),
    expectedVersion: t.exposeInt('expectedVersion', { description: 'The version that was expected.' }),
    currentVersion: t.exposeInt('currentVersion', { description: 'The version that it is at; 0 when it isn’t there.' }),
    by: t.field({
      type: 'Actor',
      nullable: true,
      description: 'Who wrote that.',
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
  description:
    'The patch doesn’t fit the document: something that it needs isn’t there, or a test of its own has failed.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof PatchFailed,
  fields: (t) => ({ operation: t.exposeInt('operation', { description: 'Which of its operations, from 0.' }) }),
})

type Refusal = WritesRefused['refusals'][number]
const WriteRefusal = builder.objectRef<Refusal>('WriteRefusal').implement({
  description: 'Why one of several writes could not be done.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Which write, from 0.' }),
    code: t.string({ description: 'As the failure of a single write has it.', resolve: ({ failure }) => failure.code }),
    message: t.string({ description: 'A sentence for people.', resolve: ({ failure }) => failure.message }),
    currentVersion: t.int({
      nullable: true,
      description: 'VERSION_CONFLICT: the version that the document is at; 0 when it isn’t there.',
      resolve: ({ failure }) => (failure instanceof VersionConflict ? failure.currentVersion : null),
    }),
    by: t.field({
      type: 'Actor',
      nullable: true,
      description: 'VERSION_CONFLICT: who wrote that.',
      resolve: ({ failure }) => (failure instanceof VersionConflict ? (failure.currentBy ?? null) : null),
    }),
  }),
})

builder.objectType(WritesRefused, {
  name: 'WritesRefused',
  description: 'Nothing was written, because not all of it could be.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof WritesRefused,
  fields: (t) => ({
    refusals: t.field({
      type: [WriteRefusal],
      description: 'Every write that could not be done. Those before it count as done when one is judged.',
      resolve: ({ refusals }) => [...refusals],
    }),
  }),
})

builder.objectType(SchemaViolation, {
  name: 'SchemaViolation',
  description: 'What the document is to hold doesn’t fit the schema of its collection.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof SchemaViolation,
  fields: (t) => ({
    path: t.exposeString('path', { description: 'Where: a JSON Pointer into the document; empty for the whole.' }),
    reason: t.exposeString('reason', { description: 'Why.' }),
  }),
})

const UnfitDocumentRef = builder.objectRef<UnfitDocument>('UnfitDocument').implement({
  description: 'A document that the new schema would refuse.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The key of the document.' }),
    version: t.exposeInt('version', { description: 'Which version of it was looked at.' }),
    path: t.exposeString('path', { description: 'Where: a JSON Pointer into the document.' }),
    reason: t.exposeString('reason', { description: 'Why.' }),
  }),
})

builder.objectType(ExistingDocumentsInvalid, {
  name: 'DocumentsDontFit',
  description: 'The schema was not changed, because documents of the collection don’t fit it.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof ExistingDocumentsInvalid,
  fields: (t) => ({
    documents: t.field({
      type: [UnfitDocumentRef],
      description: 'Which, at most 100, by their keys.',
      resolve: ({ documents }) => [...documents],
    }),
    more: t.exposeBoolean('more', { description: 'Whether there are others.' }),
  }),
})
