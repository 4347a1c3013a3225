import fc from 'fast-check'
import { jsonTypes } from '#lib/filter/json-value.ts'

/** Few names and values, so that documents and filters meet often; and all of them awkward. */
const names = ['a', 'b', '0', '1', '-1', '01', ' 1', 'a.b', '__proto__', 'é/~']
const long = 'x'.repeat(255)
const texts = ['', 'a', 'ab', 'b', 'B', 'é', '\u{1f600}', '\ue000', '\ufffd', "'; DROP TABLE document; --", '%_', '$1']
const longTexts = [long, `${long}y`, `${long}yz`, `${long}z`, `${long}\u{1f600}a`, 'a\nb', '\u2028', '0']
const numbers = [0, -0, 1, 1.5, -2, 0.1, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 53 - 1, 100, 10]

const text = fc.constantFrom(...texts, ...longTexts)
const scalar = fc.oneof(text, fc.constantFrom(...numbers), fc.boolean(), fc.constant(null))

function object(value: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> {
  // As it comes from JSON: `__proto__` is a member like any other.
  return fc
    .array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 4 })
    .map((members) => JSON.parse(`{${members.map(([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(one)}`)}}`))
}

/** JSON values up to four deep. */
const jsonValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    object(tie('value')),
  ),
})).value

const time = fc.constantFrom(
  ...['2026-11-28T10:00:00.000Z', '2026-11-28T10:00:00.001Z', '0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'],
)

/** Documents with all that is beside their data; times as texts. */
export const documentFacts = fc.record({
  data: fc.oneof({ weight: 8, arbitrary: object(jsonValue) }, { weight: 1, arbitrary: jsonValue }),
  key: text,
  collection: text,
  version: fc.integer({ min: 1, max: 3 }),
  createdAt: time,
  updatedAt: time,
  createdBy: text,
  updatedBy: text,
})

const path = fc
  .array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
  .map((parts) => `/${parts.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`)

const ordered = fc.oneof(text, fc.constantFrom(...numbers))
const operand = fc.oneof({ weight: 3, arbitrary: scalar }, { weight: 1, arbitrary: jsonValue })

/** Regular expressions of every kind that is allowed. */
const pattern: fc.Arbitrary<string> = fc.letrec<{ all: string; atom: string }>((tie) => ({
  all: fc
    .array(fc.array(tie('atom'), { maxLength: 3 }), { minLength: 1, maxLength: 2 })
    .map((branches) => branches.map((atoms) => atoms.join('')).join('|')),
  atom: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    fc.constantFrom(
      'a',
      'b',
      'x',
      'é',
      '😀',
      '.',
      '[ab]',
      '[^a]',
      '[\\d_x-z]',
      '[^\\W]',
      '\\d',
      '\\D',
      '\\w',
      '\\W',
      '\\s',
    ),
    fc.constantFrom(
      '^',
      '$',
      '\\b',
      '\\B',
      '\\S',
      '\\.',
      '\\u{1f600}',
      '[\\]^-]',
      '(?:)',
      '[]',
      '[^]',
      '\\*',
      '\\n',
      '%',
      ' ',
    ),
    fc.tuple(fc.constantFrom('(', '(?:'), tie('all')).map(([open, inner]) => `${open}${inner})`),
    fc
      .tuple(tie('all'), fc.constantFrom('*', '+', '?', '{2}', '{1,}', '{0,2}', '*?', '+?', '{0}'))
      .map(([inner, repeated]) => `(?:${inner})${repeated}`),
  ),
})).all

const onPath = fc.record(
  {
    eq: operand,
    ne: operand,
    in: fc.array(operand, { maxLength: 4 }),
    notIn: fc.array(operand, { maxLength: 4 }),
    gt: ordered,
    gte: ordered,
    lt: ordered,
    lte: ordered,
    exists: fc.boolean(),
    type: fc.constantFrom(...jsonTypes),
    contains: text,
    startsWith: text,
    matches: pattern,
    arrayContains: operand,
  },
  { requiredKeys: [] },
)

const condition = fc.tuple(path, onPath, fc.nat()).map(([at, operators, which]) => {
  const given = Object.entries(operators)
  const [name, value] = given[which % Math.max(1, given.length)] ?? ['exists', true]
  return { path: at, [name]: value }
})

const textCondition = fc.oneof(
  fc.record({ eq: text }),
  fc.record({ ne: text }),
  fc.record({ notIn: fc.array(text, { maxLength: 3 }) }),
  fc.record({ gt: text, lte: text }),
  fc.record({ contains: text }),
  fc.record({ startsWith: text }),
  fc.record({ matches: pattern }),
)
const onField = fc.oneof(
  fc.record({ key: textCondition }),
  fc.record({ collection: textCondition }),
  fc.record({ version: fc.record({ gte: fc.constantFrom(1, 1.5, 2), ne: fc.constantFrom(1, 3) }) }),
  fc.record({ createdAt: fc.record({ gt: time }) }),
  fc.record({ updatedAt: fc.record({ gte: time, lt: time }) }),
  fc.record({ createdBy: fc.record({ in: fc.array(text, { maxLength: 3 }) }) }),
  fc.record({ updatedBy: fc.record({ ne: text }) }),
)

/** Filters as clients write them. */
export const rawFilter: fc.Arbitrary<object> = fc.letrec<{ filter: object }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 5, arbitrary: condition },
    { weight: 1, arbitrary: onField },
    { weight: 1, arbitrary: fc.record({ and: fc.array(tie('filter'), { maxLength: 3 }) }) },
    { weight: 2, arbitrary: fc.record({ or: fc.array(tie('filter'), { maxLength: 3 }) }) },
    { weight: 2, arbitrary: fc.record({ not: tie('filter') }) },
  ),
})).filter
