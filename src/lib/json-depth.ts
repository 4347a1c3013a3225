/** How deep a JSON value may be nested, wherever one is accepted: what a recursive reader can surely follow. */
export const maxJsonDepth = 200
/** How deep a request may be nested that holds such a value: in an input, a list of writes, and the like. */
export const maxRequestDepth = maxJsonDepth + 20

/** Whether arrays and objects are nested more than `limit` levels deep; takes no more steps down than that. */
export function isNestedBeyond(value: unknown, limit: number = maxJsonDepth): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (limit === 0) return true
  for (const inner of Array.isArray(value) ? value : Object.values(value))
    if (isNestedBeyond(inner, limit - 1)) return true
  return false
}
