import { isRecord } from '#lib/json.ts'

/** Bytes of a schema times bytes of a document: a check that stays below takes a few milliseconds at most. */
const maxProduct = 1_000_000
/** Characters of patterns times bytes of a document. */
const maxPatternProduct = 300_000

/** With these, the time of a check isn't bounded by the product of both sizes. */
const unbounded = new Set(['$ref', '$dynamicRef', '$recursiveRef', 'uniqueItems'])
/** Formats that are looked for in one pass. */
const plainFormats = new Set(['date', 'time', 'date-time', 'uuid', 'ipv4'])

/**
 * How large a document may be, in bytes, so that checking it against the schema takes a few milliseconds at most, whatever
 * both contain; undefined when no size is small enough. Told by the keywords alone, so it errs on the safe side.
 */
export function plainDocumentBytes(schema: unknown, schemaBytes: number): number | undefined {
  const patternLength = patternLengthOf(schema)
  if (patternLength === undefined) return undefined
  return Math.min(maxProduct / schemaBytes, maxPatternProduct / Math.max(1, patternLength))
}

/** The length of all patterns; undefined when something else is in it that takes long. */
function patternLengthOf(node: unknown): number | undefined {
  if (Array.isArray(node)) return sum(node.map(patternLengthOf))
  if (!isRecord(node)) return 0
  return sum(Object.entries(node).map(([keyword, value]) => lengthAt(keyword, value)))
}

function lengthAt(keyword: string, value: unknown): number | undefined {
  if (unbounded.has(keyword) && value !== false) return undefined
  if (keyword === 'format' && typeof value === 'string') return plainFormats.has(value) ? 0 : undefined
  if (keyword === 'pattern' && typeof value === 'string') return lengthOf(value)
  const inner = patternLengthOf(value)
  if (keyword !== 'patternProperties' || !isRecord(value)) return inner
  return sum([inner, ...Object.keys(value).map(lengthOf)])
}

/** Repetitions in braces are written out before they are searched. */
function lengthOf(pattern: string): number | undefined {
  return pattern.includes('{') ? undefined : pattern.length
}

function sum(lengths: readonly (number | undefined)[]): number | undefined {
  return lengths.reduce((total, one) => (total === undefined || one === undefined ? undefined : total + one), 0)
}
