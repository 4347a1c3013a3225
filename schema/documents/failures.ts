import { DocumentNotFound, PatchFailed, VersionConflict, VersionRequired } from '#domain/documents/errors.ts'
import { builder } from '#schema/builder.ts'
import { Failure, failureType } from '#schema/failures.ts'

failureType(DocumentNotFound, 'DocumentNotFound', 'There is no such document, or no such version of it.')
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
