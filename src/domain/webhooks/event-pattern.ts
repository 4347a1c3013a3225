const patternForm = /^(\*|[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*(\.\*)?)$/
const typeForm = /^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+){1,3}$/

/** Whether a text can select events: an exact type, a family such as `task.*`, or `*`. */
export function isEventPattern(text: string): boolean {
  return patternForm.test(text) && text.length <= 100
}

/** Whether a text can be an event's type. */
export function isEventType(text: string): boolean {
  return typeForm.test(text) && text.length <= 100
}

/** Whether a pattern selects this type; `*` selects all that is not asked for by its family's name alone. */
export function selects(pattern: string, type: string): boolean {
  if (pattern === '*') return true
  return pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type
}
