import { isNestedBeyond, maxJsonDepth, tooDeep } from './json-depth.ts'

/** What is wrong with a JSON value, and where. */
export interface JsonFault {
  readonly path: readonly string[]
  readonly message: string
}

/**
 * Why a parsed JSON value can't be kept as it was meant; undefined when it can. It is at most 200 levels deep. Integers
 * that a double can't hold exactly were changed when they were parsed, and nobody would notice. −0 is kept as 0.
 */
export function jsonFault(value: unknown): JsonFault | undefined {
  return isNestedBeyond(value) ? { path: pathOfDeepest(value), message: tooDeep() } : memberFault(value)
}

/** The beginning of the way to what is nested too deeply. */
function pathOfDeepest(value: unknown): string[] {
  const path: string[] = []
  for (let [at, limit] = [value, maxJsonDepth]; path.length < shownSteps; limit -= 1) {
    const [name, inner] = Object.entries(at as object).find(([, one]) => isNestedBeyond(one, limit - 1)) ?? ['', {}]
    path.push(name)
    at = inner
  }
  return path
}

function memberFault(value: unknown): JsonFault | undefined {
  if (value === undefined) return { path: [], message: 'is missing' }
  if (typeof value === 'number') return numberFault(value)
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, inner] of Object.entries(value)) {
    const fault = memberFault(inner)
    if (fault !== undefined) return { path: [name, ...fault.path], message: fault.message }
  }
  return undefined
}

/**
 * What is wrong with a number as JSON.parse returns it: it is not finite, or an integer so large that it may have been
 * another one in the text. One rule for everything that is accepted.
 */
export function numberFault(value: number): JsonFault | undefined {
  if (!Number.isFinite(value)) return { path: [], message: 'is a number that is too large or not a number' }
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return undefined
  return { path: [], message: 'is an integer beyond ±(2^53 − 1), which would lose digits: send it as a string' }
}

const shownSteps = 5

/** Where a fault is below `root`; only the beginning of a path that is very long. */
export function faultPath(root: string, { path }: JsonFault): string {
  return [root, ...path.slice(0, shownSteps)].join('.')
}
