/** How deep a JSON value may be nested, wherever one is accepted: what a recursive reader can surely follow. */
export const maxJsonDepth = 200
/**
 * How deep a request may be nested before anything looks at what is in it: deeper than any value may be, so that a value
 * which is too deep is refused where it stands, and less than any function that calls itself could follow.
 */
export const maxRequestDepth = 1_100

/** Whether arrays and objects are nested more than `limit` levels deep; takes no more steps down than that. */
export function isNestedBeyond(value: unknown, limit: number = maxJsonDepth): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (limit === 0) return true
  for (const inner of Array.isArray(value) ? value : Object.values(value))
    if (isNestedBeyond(inner, limit - 1)) return true
  return false
}

/** What is wrong with a value that {@link isNestedBeyond} the limit, as the end of a sentence. */
export function tooDeep(limit: number = maxJsonDepth): string {
  return `is nested more than ${limit} levels deep`
}
