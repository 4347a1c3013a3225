import { type JsonType, jsonTypes } from '#lib/filter/filter.ts'
import { builder } from '#schema/builder.ts'

const JsonTypeEnum = builder.enumType('JsonType', {
  description: 'What kind of JSON value something is.',
  values: Object.fromEntries(
    jsonTypes.map((type) => [type.toUpperCase(), { value: type, description: `A JSON value of the type ${type}.` }]),
  ) as Record<string, { value: JsonType }>,
})

const TextCondition = builder.inputType('TextCondition', {
  description:
    'What is asked of a text; everything that is given has to hold. Texts are in the order of their code points.',
  fields: (t) => ({
    eq: t.string({ description: 'Is this.' }),
    ne: t.string({ description: 'Is not this.' }),
    in: t.stringList({ description: 'Is one of these, at most 200.' }),
    notIn: t.stringList({ description: 'Is none of these, at most 200.' }),
    gt: t.string({ description: 'Comes after this.' }),
    gte: t.string({ description: 'Is this, or comes after it.' }),
    lt: t.string({ description: 'Comes before this.' }),
    lte: t.string({ description: 'Is this, or comes before it.' }),
    contains: t.string({ description: 'Has this in it.' }),
    startsWith: t.string({ description: 'Begins with this.' }),
    matches: t.string({ description: 'As `matches` of `DocumentFilter`.' }),
  }),
})

const IntCondition = builder.inputType('IntCondition', {
  description: 'What is asked of a number; everything that is given has to hold.',
  fields: (t) => ({
    eq: t.int({ description: 'Is this.' }),
    ne: t.int({ description: 'Is not this.' }),
    in: t.intList({ description: 'Is one of these, at most 200.' }),
    notIn: t.intList({ description: 'Is none of these, at most 200.' }),
    gt: t.int({ description: 'Is greater.' }),
    gte: t.int({ description: 'Is this or greater.' }),
    lt: t.int({ description: 'Is less.' }),
    lte: t.int({ description: 'Is this or less.' }),
  }),
})

const TimeCondition = builder.inputType('TimeCondition', {
  description: 'What is asked of a time; everything that is given has to hold.',
  fields: (t) => ({
    gt: t.field({ type: 'DateTime', description: 'Is later.' }),
    gte: t.field({ type: 'DateTime', description: 'Is then or later.' }),
    lt: t.field({ type: 'DateTime', description: 'Is earlier.' }),
    lte: t.field({ type: 'DateTime', description: 'Is then or earlier.' }),
  }),
})

const ActorCondition = builder.inputType('ActorCondition', {
  description: 'What is asked of who did it; everything that is given has to hold.',
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
  description: `Which documents. Everything that is given has to hold; null is the same as not given, save for \`eq\`, \`ne\` and \`arrayContains\`, where it is JSON’s null.

Where \`path\` leads nowhere, \`ne\`, \`notIn\` and \`exists: false\` hold, and all else fails. Values are equal when they are the same JSON, numbers by their value. An order is only known between numbers, and between texts, which are compared by code points. At most 200 conditions, 20 levels deep.`,
  // Pothos takes unknown for something that can't be null, hence `never`.
  fields: (t) => ({
    and: t.field({ type: [DocumentFilter], description: 'All of these; none at all holds.' }),
    or: t.field({ type: [DocumentFilter], description: 'At least one of these; none at all fails.' }),
    not: t.field({ type: DocumentFilter, description: 'Not this.' }),
    path: t.string({
      description:
        'Where the value is: `spec.image.tag`, with dots between its parts, or a JSON Pointer (RFC 6901) such as `/labels/app.kubernetes.io~1name`. Whole numbers are elements of arrays, from 0 on. At most 16 parts.',
    }),
    eq: t.field({ type: 'JSON', description: 'Is this. Found without a declared index as well.' }) as never,
    ne: t.field({ type: 'JSON', description: 'Is not this, or nothing.' }) as never,
    in: t.field({ type: ['JSON'], description: 'Is one of these, at most 200.' }),
    notIn: t.field({ type: ['JSON'], description: 'Is none of these, at most 200, or nothing.' }),
    gt: t.field({
      type: 'JSON',
      description: 'Is a greater number than this one, or a text that comes after this one.',
    }) as never,
    gte: t.field({ type: 'JSON', description: 'As `gt`, or equal.' }) as never,
    lt: t.field({
      type: 'JSON',
      description: 'Is a lesser number than this one, or a text that comes before this one.',
    }) as never,
    lte: t.field({ type: 'JSON', description: 'As `lt`, or equal.' }) as never,
    exists: t.boolean({ description: 'Whether there is something, be it null.' }),
    type: t.field({ type: JsonTypeEnum, description: 'Is of this type.' }),
    contains: t.string({ description: 'Is a text that has this in it.' }),
    startsWith: t.string({ description: 'Is a text that begins with this.' }),
    matches: t.string({
      description:
        'Is a text in whose first 4,096 characters this regular expression is found: in JavaScript’s language, where `.` is any character, and `\\d`, `\\w` and `\\s` are of ASCII; without look-around, references back, and `\\p`.',
    }),
    arrayContains: t.field({ type: 'JSON', description: 'Is an array with an element equal to this.' }) as never,
    key: t.field({ type: TextCondition, description: 'The document’s key.' }),
    collection: t.field({ type: TextCondition, description: 'The path of its collection.' }),
    version: t.field({ type: IntCondition, description: 'Its version.' }),
    createdAt: t.field({ type: TimeCondition, description: 'When it was created.' }),
    updatedAt: t.field({ type: TimeCondition, description: 'When its version was written.' }),
    createdBy: t.field({ type: ActorCondition, description: 'Who made it.' }),
    updatedBy: t.field({ type: ActorCondition, description: 'Who wrote its version.' }),
  }),
})
