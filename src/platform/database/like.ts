/**
 * A text as a pattern of LIKE that matches this text alone: `%`, `_` and `\` stand for themselves. Prisma's `contains`,
 * `startsWith` and `endsWith` are LIKE as well and escape nothing.
 */
function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}

/** A pattern of LIKE for all texts that begin with this one. */
export function prefixPattern(text: string): string {
  return `${escapeLike(text)}%`
}

/** A Prisma condition for all texts that begin with this one. */
export function startingWith(text: string): { startsWith: string } {
  return { startsWith: escapeLike(text) }
}
