import { EntryNotFound, EntryNotNumber, EntryOutOfBounds, EntryVersionConflict } from '#domain/entries/errors.ts'
import { builder } from '#schema/builder.ts'
import { Failure } from '#schema/failures.ts'

builder.objectType(EntryNotFound, {
  name: 'EntryNotFound',
  description: 'The account has no such entry.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof EntryNotFound,
  fields: (t) => ({ key: t.exposeString('key', { description: 'The key of the entry.' }) }),
})

builder.objectType(EntryVersionConflict, {
  name: 'EntryVersionConflict',
  description: 'The entry has another version than the writer knows: read it again, and decide again.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof EntryVersionConflict,
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The key of the entry.' }),
    currentVersion: t.exposeInt('currentVersion', { description: 'The one that it has; 0: there is no such entry.' }),
    updatedBy: t.field({
      type: 'Actor',
      nullable: true,
      description: 'Who has written that; null when there is no such entry.',
      resolve: (failure) => failure.updatedBy ?? null,
    }),
  }),
})

builder.objectType(EntryNotNumber, {
  name: 'EntryNotNumber',
  description: 'The entry is not a whole number, so nothing can be added to it.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof EntryNotNumber,
  fields: (t) => ({ key: t.exposeString('key', { description: 'The key of the entry.' }) }),
})

builder.objectType(EntryOutOfBounds, {
  name: 'EntryOutOfBounds',
  description: 'The sum would pass a bound, so nothing was added.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof EntryOutOfBounds,
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The key of the entry.' }),
    current: t.exposeFloat('current', { description: 'What it is.' }),
  }),
})
