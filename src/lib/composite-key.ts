declare const composite: unique symbol

/** One text for several values, as a key of a map, a set or a cache. Only {@link compositeKey} creates it. */
export type CompositeKey = string & { readonly [composite]: true }

/**
 * One text for several values, to be used as a key: two lists of parts have the same key only when they have the same
 * parts in the same order. Each part comes after its length, so no separator can be forged by what a part contains; a
 * number is the same part as its decimal text.
 *
 * Create every key of more than one value here. Joining with a separator is safe only until a name may contain that
 * separator, and nothing fails on that day.
 */
export function compositeKey(...parts: readonly (string | number | bigint)[]): CompositeKey {
  let key = ''
  for (const part of parts) {
    const text = typeof part === 'string' ? part : String(part)
    key += `${text.length}:${text}`
  }
  return key as CompositeKey
}
