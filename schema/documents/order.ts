import type { OrderField } from '#domain/documents/query/order.ts'
import type { valueTypes } from '#domain/documents/query/value-sql.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'

const OrderFieldEnum = builder.enumType('DocumentOrderField', {
  description: 'The fields of a document, apart from its data, that it can be sorted by.',
  values: {
    KEY: { value: 'key', description: 'Its key.' },
    COLLECTION: { value: 'collection', description: 'The path of its collection.' },
    VERSION: { value: 'version', description: 'Its version.' },
    CREATED_AT: { value: 'createdAt', description: 'When it was created.' },
    UPDATED_AT: { value: 'updatedAt', description: 'When its version was written.' },
  } as const satisfies Record<string, { value: OrderField; description: string }>,
})

export const ValueTypeEnum = builder.enumType('ValueType', {
  description: 'The types of JSON values that can be sorted.',
  values: described<(typeof valueTypes)[number]>({
    STRING: 'A string.',
    NUMBER: 'A number.',
    BOOLEAN: 'True or false.',
  }),
})

const DirectionEnum = builder.enumType('Direction', {
  description: 'The direction of sorting.',
  values: { ASC: { description: 'The smallest first.' }, DESC: { description: 'The largest first.' } } as const,
})

export const DocumentOrder = builder.inputType('DocumentOrder', {
  description:
    'A sort key: a field, or the value at a path. Documents without a value of the type at the path come last in both directions.',
  fields: (t) => ({
    path: t.string({ description: 'The same as `path` in `DocumentFilter`.' }),
    type: t.field({
      type: ValueTypeEnum,
      description:
        'The type of the value at the path; default STRING. Strings are sorted by their first 256 characters.',
    }),
    field: t.field({ type: OrderFieldEnum, description: 'A field, instead of a path.' }),
    direction: t.field({ type: DirectionEnum, required: true, defaultValue: 'ASC', description: 'The direction.' }),
  }),
})
