import { nearest } from '#lib/nearest.ts'
import { ownFamilies, ownFamilyOf } from '#platform/journal/own-families.ts'
import { isEventType } from './event-pattern.ts'

/** What is probably wrong with the types and families that events are selected by, one sentence each. */
export type EventWarnings = (patterns: readonly string[]) => string[]

/** Warns of patterns that select nothing of the types that the server writes. */
export function createEventWarnings(serverTypes: readonly string[]): EventWarnings {
  /**
   * What is probably wrong with a pattern that events are selected by; undefined when nothing seems to be. Names of events
   * are open, so no pattern is refused: the event may be somebody's own that nobody has triggered yet.
   */
  function patternWarning(pattern: string): string | undefined {
    if (pattern === '*' || serverTypes.includes(pattern)) return undefined
    if (pattern.endsWith('.*')) return familyWarning(pattern)
    if (!isEventType(pattern)) return `No event has the type "${pattern}": types have the form a.b.${hint(pattern)}`
    const near = nearest(pattern, serverTypes)
    if (ownFamilyOf(pattern) !== undefined) return `The server writes no event "${pattern}".${hint(pattern)}`
    return near === undefined ? undefined : `The server writes no event "${pattern}".${hint(pattern)}`
  }

  function familyWarning(pattern: string): string | undefined {
    if (serverTypes.some((type) => type.startsWith(pattern.slice(0, -1)))) return undefined
    const family = nearest(pattern.slice(0, -2), ownFamilies)
    if (family === undefined) return undefined
    return `The server writes no events of the family "${pattern}". Did you mean "${family}.*"?`
  }

  function hint(pattern: string): string {
    const near = nearest(pattern, serverTypes)
    return near === undefined ? '' : ` Did you mean "${near}"?`
  }

  return (patterns) => patterns.flatMap((pattern) => patternWarning(pattern) ?? [])
}
