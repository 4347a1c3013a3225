declare const composite: unique symbol

/** A text that stands for several values in a map, a set or a cache. Made by {@link compositeKey} alone. */
export type CompositeKey = string & { readonly [composite]: true }

/**
 * One text for several values, to be used as a key: two lists of parts have the same key only when they have the same
 * parts in the same order. Each part comes after its length, so no separator can be forged by what a part contains; a
 * number is the same part as its decimal text.
 *
 * Every key made of more than one value is made here. Joining with a separator is safe only for as long as nobody allows
 * that separator in a name, and nothing fails on the day when somebody does.
 */
export function compositeKey(...parts: readonly (string | number | bigint)[]): CompositeKey {
  let key = ''
  for (const part of parts) {
    const text = typeof part === 'string' ? part : String(part)
    key += `${text.length}:${text}`
  }
  return key as CompositeKey
}
