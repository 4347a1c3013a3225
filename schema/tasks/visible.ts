import type { Caller } from '#domain/access/service.ts'
import { startingWith } from '#platform/database/like.ts'

/** The condition that keeps reads to tasks that the caller may see. @throws {Forbidden} when they may see none. */
export function visibleTasks(caller: Caller): { OR?: { type: string | { startsWith: string } }[] } {
  const patterns = caller.mustSomewhere('tasks:read')
  if (patterns === undefined) return {}
  return {
    OR: patterns.map((pattern) => ({
      type: pattern.endsWith('*') ? startingWith(pattern.slice(0, -1)) : pattern,
    })),
  }
}
