import { type JsonType, jsonTypes } from '#lib/filter/json-value.ts'
import { builder } from '#schema/builder.ts'

const JsonTypeEnum = builder.enumType('JsonType', {
  description: 'The types of JSON values.',
  values: Object.fromEntries(
    jsonTypes.map((type) => [type.toUpperCase(), { value: type, description: `A JSON value of the type ${type}.` }]),
  ) as Record<string, { value: JsonType }>,
})

const TextCondition = builder.inputType('TextCondition', {
  description: 'Conditions on a string; all given ones must hold. Strings are ordered by code points.',
  fields: (t) => ({
    eq: t.string({ description: 'Equals this.' }),
    ne: t.string({ description: 'Does not equal this.' }),
    in: t.stringList({ description: 'Is one of these, at most 200.' }),
    notIn: t.stringList({ description: 'Is none of these, at most 200.' }),
    gt: t.string({ description: 'Comes after this.' }),
    gte: t.string({ description: 'Equals this or comes after it.' }),
    lt: t.string({ description: 'Comes before this.' }),
    lte: t.string({ description: 'Equals this or comes before it.' }),
    contains: t.string({ description: 'Contains this.' }),
    startsWith: t.string({ description: 'Begins with this.' }),
    matches: t.string({ description: 'The same as `matches` in `DocumentFilter`.' }),
  }),
})

const IntCondition = builder.inputType('IntCondition', {
  description: 'Conditions on a number; all given ones must hold.',
  fields: (t) => ({
    eq: t.int({ description: 'Equals this.' }),
    ne: t.int({ description: 'Does not equal this.' }),
    in: t.intList({ description: 'Is one of these, at most 200.' }),
    notIn: t.intList({ description: 'Is none of these, at most 200.' }),
    gt: t.int({ description: 'Is greater than this.' }),
    gte: t.int({ description: 'Is at least this.' }),
    lt: t.int({ description: 'Is less than this.' }),
    lte: t.int({ description: 'Is at most this.' }),
  }),
})

const TimeCondition = builder.inputType('TimeCondition', {
  description: 'Conditions on a time; all given ones must hold.',
  fields: (t) => ({
    gt: t.field({ type: 'DateTime', description: 'Is later than this.' }),
    gte: t.field({ type: 'DateTime', description: 'Is this time or later.' }),
    lt: t.field({ type: 'DateTime', description: 'Is earlier than this.' }),
    lte: t.field({ type: 'DateTime', description: 'Is this time or earlier.' }),
  }),
})

const ActorCondition = builder.inputType('ActorCondition', {
  description: 'Conditions on an actor; all given ones must hold.',
  fields: (t) => ({
    eq: t.string({ description: 'Has this id.' }),
    ne: t.string({ description: 'Has another id.' }),
    in: t.stringList({ description: 'Has one of these ids, at most 200.' }),
    notIn: t.stringList({ description: 'Has none of these ids, at most 200.' }),
  }),
})

type Json = NonNullable<unknown> | null

/** A filter as clients write it; `parseFilter` reads it. */
interface DocumentFilterInput {
  and?: DocumentFilterInput[]
  or?: DocumentFilterInput[]
  not?: DocumentFilterInput
  path?: string
  eq?: Json
  ne?: Json
  in?: unknown[]
  notIn?: unknown[]
  gt?: Json
  gte?: Json
  lt?: Json
  lte?: Json
  exists?: boolean
  type?: JsonType
  contains?: string
  startsWith?: string
  matches?: string
  arrayContains?: Json
  key?: typeof TextCondition.$inferInput
  collection?: typeof TextCondition.$inferInput
  version?: typeof IntCondition.$inferInput
  createdAt?: typeof TimeCondition.$inferInput
  updatedAt?: typeof TimeCondition.$inferInput
  createdBy?: typeof ActorCondition.$inferInput
  updatedBy?: typeof ActorCondition.$inferInput
}

export const DocumentFilter = builder.inputRef<DocumentFilterInput>('DocumentFilter').implement({
  description: `Selects documents. All given conditions must hold; null is the same as absent, except for \`eq\`, \`ne\` and \`arrayContains\`, where it is JSON’s null.

Where \`path\` leads nowhere, \`ne\`, \`notIn\` and \`exists: false\` hold, and all else fails. Values are equal when they are the same JSON, numbers by their value. An order is only known between numbers, and between texts, which are compared by code points. At most 200 conditions, 20 levels deep.`,
  // Pothos takes unknown for something that can't be null, hence `never`.
  fields: (t) => ({
    and: t.field({ type: [DocumentFilter], description: 'All of these hold; an empty list holds.' }),
    or: t.field({ type: [DocumentFilter], description: 'At least one of these holds; an empty list does not.' }),
    not: t.field({ type: DocumentFilter, description: 'This does not hold.' }),
    path: t.string({
      description:
        'The path of the value: `spec.image.tag`, with dots between its parts, or a JSON Pointer (RFC 6901) such as `/labels/app.kubernetes.io~1name`. Whole numbers are array indexes, from 0. At most 16 parts.',
    }),
    eq: t.field({ type: 'JSON', description: 'Equals this. Fast even without a declared index.' }) as never,
    ne: t.field({ type: 'JSON', description: 'Does not equal this, or does not exist.' }) as never,
    in: t.field({ type: ['JSON'], description: 'Is one of these, at most 200.' }),
    notIn: t.field({ type: ['JSON'], description: 'Is none of these, at most 200, or does not exist.' }),
    gt: t.field({
      type: 'JSON',
      description: 'Is a number greater than this, or a string that comes after this.',
    }) as never,
    gte: t.field({ type: 'JSON', description: 'The same as `gt`, or equal.' }) as never,
    lt: t.field({
      type: 'JSON',
      description: 'Is a number less than this, or a string that comes before this.',
    }) as never,
    lte: t.field({ type: 'JSON', description: 'The same as `lt`, or equal.' }) as never,
    exists: t.boolean({ description: 'Whether the path exists, even with null.' }),
    type: t.field({ type: JsonTypeEnum, description: 'Has this type.' }),
    contains: t.string({ description: 'Is a string that contains this.' }),
    startsWith: t.string({ description: 'Is a string that begins with this.' }),
    matches: t.string({
      description:
        'Is a string whose first 4,096 characters match this regular expression: JavaScript syntax, where `.` matches any character and `\\d`, `\\w` and `\\s` match ASCII only; without lookaround, backreferences and `\\p`.',
    }),
    arrayContains: t.field({ type: 'JSON', description: 'Is an array with an element equal to this.' }) as never,
    key: t.field({ type: TextCondition, description: 'The document’s key.' }),
    collection: t.field({ type: TextCondition, description: 'The path of its collection.' }),
    version: t.field({ type: IntCondition, description: 'Its version.' }),
    createdAt: t.field({ type: TimeCondition, description: 'When it was created.' }),
    updatedAt: t.field({ type: TimeCondition, description: 'When its version was written.' }),
    createdBy: t.field({ type: ActorCondition, description: 'Who created it.' }),
    updatedBy: t.field({ type: ActorCondition, description: 'Who wrote its version.' }),
  }),
})
