import type { Caller } from '#domain/access/service.ts'

/** The condition that keeps reads to tasks that the caller may see. @throws {Forbidden} when they may see none. */
export function visibleTasks(caller: Caller): { OR?: { type: string | { startsWith: string } }[] } {
  const patterns = caller.mustSomewhere('tasks:read')
  if (patterns === undefined) return {}
  return {
    OR: patterns.map((pattern) => ({
      type: pattern.endsWith('*') ? { startsWith: pattern.slice(0, -1) } : pattern,
    })),
  }
}
