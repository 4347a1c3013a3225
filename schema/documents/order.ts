import type { OrderField } from '#domain/documents/query/order.ts'
import type { valueTypes } from '#domain/documents/query/value-sql.ts'
import { builder } from '#schema/builder.ts'
import { described } from '#schema/described.ts'

const OrderFieldEnum = builder.enumType('DocumentOrderField', {
  description: 'What is known of a document beside its data, and can be sorted by.',
  values: {
    KEY: { value: 'key', description: 'Its key.' },
    COLLECTION: { value: 'collection', description: 'The path of its collection.' },
    VERSION: { value: 'version', description: 'Its version.' },
    CREATED_AT: { value: 'createdAt', description: 'When it was created.' },
    UPDATED_AT: { value: 'updatedAt', description: 'When its version was written.' },
  } as const satisfies Record<string, { value: OrderField; description: string }>,
})

export const ValueTypeEnum = builder.enumType('ValueType', {
  description: 'Types of JSON values that have an order.',
  values: described<(typeof valueTypes)[number]>({
    STRING: 'A text.',
    NUMBER: 'A number.',
    BOOLEAN: 'True or false.',
  }),
})

const DirectionEnum = builder.enumType('Direction', {
  description: 'Which way a list is sorted.',
  values: { ASC: { description: 'The least first.' }, DESC: { description: 'The greatest first.' } } as const,
})

export const DocumentOrder = builder.inputType('DocumentOrder', {
  description:
    'What documents are sorted by: a field, or what is at a path. Documents that have nothing of the type at the path come last, whatever the direction.',
  fields: (t) => ({
    path: t.string({ description: 'As `path` of `DocumentFilter`.' }),
    type: t.field({
      type: ValueTypeEnum,
      description: 'Of what is at the path; STRING when absent. Texts are sorted by their first 256 characters.',
    }),
    field: t.field({ type: OrderFieldEnum, description: 'Instead of a path.' }),
    direction: t.field({ type: DirectionEnum, required: true, defaultValue: 'ASC', description: 'Which way.' }),
  }),
})
