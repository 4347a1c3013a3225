import { postgresCharacter } from './filter/linear-pattern.ts'

/**
 * Whether a path matches a pattern: `*` stands for any part of one segment, `**` for any number of whole segments, none
 * included, so that `a/**` is `a` and everything below it. All else stands for itself. Takes at most the product of both
 * lengths in steps, whatever the pattern.
 */
export function matchesPattern(pattern: string, path: string): boolean {
  return matchesSegments(pattern.split('/'), path.split('/'))
}

/** As {@link matchesPattern}, for a pattern and a path in parts, which may contain `/` themselves. */
export function matchesSegments(pattern: readonly string[], path: readonly string[]): boolean {
  return matches(pattern, path, (item) => item === '**', matchesSegment)
}

function matchesSegment(pattern: string, segment: string): boolean {
  if (!pattern.includes('*')) return pattern === segment
  return matches([...pattern], [...segment], (item) => item === '*', Object.is)
}

/** Matches items in order; a wild one stands for any number of items. Only the last wild one is ever tried again. */
function matches(
  pattern: readonly string[],
  text: readonly string[],
  isWild: (item: string) => boolean,
  fits: (pattern: string, item: string) => boolean,
): boolean {
  let next = 0
  let at = 0
  let retry: { next: number; at: number } | undefined
  while (at < text.length) {
    const expected = pattern[next]
    if (expected !== undefined && isWild(expected)) {
      next += 1
      retry = { next, at }
    } else if (expected !== undefined && fits(expected, text[at] as string)) {
      next += 1
      at += 1
    } else if (retry !== undefined) {
      retry.at += 1
      at = retry.at
      next = retry.next
    } else return false
  }
  return pattern.slice(next).every(isWild)
}

/**
 * Whether something below the path could match the pattern, such as documents of a collection: `a/*` reaches below `a`,
 * and `a/**` below `a/b`.
 */
export function reachesBelow(pattern: string, path: string): boolean {
  const parts = pattern.split('/')
  const wild = parts.indexOf('**')
  if (wild !== -1 && matchesPattern(parts.slice(0, wild + 1).join('/'), path)) return true
  const depth = path.split('/').length
  const isShort = depth < (wild === -1 ? parts.length : wild)
  return isShort && matchesPattern(parts.slice(0, depth).join('/'), path)
}

/** The same pattern as a regular expression of PostgreSQL, whose automaton takes no steps back; under the collation "C". */
export function patternRegex(pattern: string): string {
  const segments = pattern.split('/').filter((segment, index, all) => segment !== '**' || all[index - 1] !== '**')
  let text = '^'
  let isBehindSlash = true
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1
    if (segment === '**' && isLast) text += isBehindSlash ? '.*' : '(?:/.*)?'
    else {
      text += isBehindSlash ? '' : '/'
      text += segment === '**' ? '(?:[^/]*/)*' : [...segment].map(character).join('')
      isBehindSlash = segment === '**'
    }
  }
  return `${text}$`
}

function character(one: string): string {
  return one === '*' ? '[^/]*' : postgresCharacter(one.codePointAt(0) ?? 0)
}
