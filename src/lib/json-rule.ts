/** How deep a value may be nested: what a recursive reader can surely follow. */
const deepestJson = 100

/**
 * Why a parsed JSON value can't be kept as it was meant; undefined when it can. Numbers that a double can't hold exactly
 * were changed when they were parsed, and nobody would notice.
 */
export function jsonFault(value: unknown, depth: number = deepestJson): string | undefined {
  if (value === undefined) return 'is missing'
  if (typeof value === 'number') return numberFault(value)
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === 0) return `is nested more than ${deepestJson} deep`
  for (const inner of Object.values(value)) {
    const fault = jsonFault(inner, depth - 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

function numberFault(value: number): string | undefined {
  if (!Number.isFinite(value)) return 'holds a number that is too large'
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return undefined
  return `holds a whole number beyond ±(2^53 − 1), which can't be kept exactly; send it as a text`
}
