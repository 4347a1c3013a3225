import { maxRequestDepth } from './json-depth.ts'
import { type JsonFault, numberFault } from './json-rule.ts'

/** Finds a number that may not be exact as a double: of 16 digits or more, or with an exponent. */
const suspiciousNumber = /(?:^|[[:,\s])-?(?:\d{16}|\d[\d.]*e)/i
const significantDigit = /^[^e]*[1-9]/i

type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/**
 * Parses JSON that others send. Numbers that a double would change (integers beyond ±(2^53 − 1), 1e400, 1e-400) become
 * strings with what was written; fractions are doubles, as everywhere. @throws {SyntaxError}
 */
export function parseExactJson(text: string): unknown {
  return suspiciousNumber.test(text) ? JSON.parse(text, keepSource as (key: string) => unknown) : JSON.parse(text)
}

const keepSource: SourceReviver = (_key, value, { source = '' }) =>
  typeof value === 'number' && isChanged(value, source) ? source : value

function isChanged(value: number, source: string): boolean {
  return numberFault(value) !== undefined || (value === 0 && significantDigit.test(source))
}

/**
 * Where a parsed JSON value holds a number that may not be the one that was written; undefined when it holds none. Doesn't
 * look below the depth that requests may have, which others refuse.
 */
export function inexactNumber(value: unknown, depth: number = maxRequestDepth): JsonFault | undefined {
  if (typeof value === 'number') return numberFault(value)
  if (typeof value !== 'object' || value === null || depth === 0) return undefined
  for (const name of Object.keys(value)) {
    const fault = inexactNumber((value as Record<string, unknown>)[name], depth - 1)
    if (fault !== undefined) return { path: [name, ...fault.path], message: fault.message }
  }
  return undefined
}
