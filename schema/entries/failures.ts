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
  description: 'The entry has another version than expected: read it again, then decide.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof EntryVersionConflict,
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The key of the entry.' }),
    currentVersion: t.exposeInt('currentVersion', { description: 'The current version; 0: the entry does not exist.' }),
    updatedBy: t.field({
      type: 'Actor',
      nullable: true,
      description: 'Who wrote the current version; null when the entry does not exist.',
      resolve: (failure) => failure.updatedBy ?? null,
    }),
  }),
})

builder.objectType(EntryNotNumber, {
  name: 'EntryNotNumber',
  description: 'The value of the entry is not a whole number, so it cannot be incremented.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof EntryNotNumber,
  fields: (t) => ({ key: t.exposeString('key', { description: 'The key of the entry.' }) }),
})

builder.objectType(EntryOutOfBounds, {
  name: 'EntryOutOfBounds',
  description: 'The sum would exceed a bound, so nothing was added.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof EntryOutOfBounds,
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The key of the entry.' }),
    current: t.exposeFloat('current', { description: 'The current value.' }),
  }),
})
