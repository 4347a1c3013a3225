import { invalidValue } from '#lib/errors.ts'
import { isStorable } from '#lib/json.ts'

/** The way from a JSON value to one inside of it; each part is an object's member or, as a whole number, an array's element. */
export type JsonPath = readonly string[]

const pathLimits = { parts: 16, partLength: 200 } as const

const arrayIndex = /^(0|[1-9]\d{0,8})$/

/**
 * Reads a path: `spec.image.tag`, with dots between the parts, or, where parts have dots in them, a JSON Pointer
 * (RFC 6901) such as `/labels/app.kubernetes.io~1name`. `items.0` is the first element of an array, or the member `0`
 * of an object. @throws {InvalidInput}
 */
export function parseJsonPath(text: string, at = 'path'): JsonPath {
  const parts = text.startsWith('/') ? pointerParts(text) : text.split('.')
  const fault =
    (parts.length > pathLimits.parts && `has more than ${pathLimits.parts} parts`) ||
    (parts.some((part) => part.length > pathLimits.partLength) &&
      `has a part of more than ${pathLimits.partLength} characters`) ||
    (!text.startsWith('/') && parts.includes('') && 'has an empty part') ||
    (!isStorable(text) && 'has a character that no document can hold') ||
    (/^\/.*~(?![01])/s.test(text) && 'has a ~ that is neither ~0 nor ~1')
  if (fault) throw invalidValue(`The path ${JSON.stringify(text.slice(0, 80))}`, at, fault)
  return parts
}

function pointerParts(text: string): string[] {
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The value at the path; undefined when there is none. Only what JSON itself holds is found, never what objects inherit. */
export function valueAt(data: unknown, path: JsonPath): unknown {
  let value = data
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined
    if (Array.isArray(value)) value = arrayIndex.test(part) ? value[Number(part)] : undefined
    else value = Object.hasOwn(value, part) ? (value as Record<string, unknown>)[part] : undefined
  }
  return value
}
