import { patternRegex } from '#lib/path-pattern.ts'
import type { Parameters } from './parameters.ts'
import { afterAllBeginningWith } from './text-range.ts'

/** Whether a pattern is one path. */
export function isExact(pattern: string): boolean {
  return !pattern.includes('*')
}

/**
 * A path pattern, as `matchesPattern` has it, as a condition on a column of paths under the collation "C". What all paths
 * that match begin with is a condition too, so that an index by paths serves it.
 */
export function pathPatternSql(pattern: string, column: string, parameters: Parameters): string {
  if (pattern === '**') return 'TRUE'
  if (isExact(pattern)) return `${column} = ${parameters.add(pattern, 'text')}`
  const beginning = pattern.endsWith('/**') ? pattern.slice(0, -3) : undefined
  if (beginning !== undefined && isExact(beginning))
    return `(${rangeSql(column, beginning, parameters)} AND (${column} = ${parameters.add(beginning, 'text')} OR starts_with(${column}, ${parameters.add(`${beginning}/`, 'text')})))`
  const conditions = [`${column} ~ ${parameters.add(patternRegex(pattern), 'text')}`]
  const known = knownBeginning(pattern)
  if (known !== '') conditions.unshift(rangeSql(column, known, parameters))
  return `(${conditions.join(' AND ')})`
}

/**
 * As {@link pathPatternSql} for patterns of which one has to match a document's collection and key, with `/` between
 * them: the way in which rights are narrowed.
 */
export function reachSql(patterns: readonly string[], parameters: Parameters): string {
  const alternatives = patterns.map((pattern) => {
    const within = pathPatternSql(pattern, `(d.collection || '/' || d.key)`, parameters)
    const [first = ''] = pattern.split('/', 1)
    return isExact(first) ? `(${rangeSql('d.collection', first, parameters)} AND ${within})` : within
  })
  return alternatives.length === 0 ? 'FALSE' : `(${alternatives.join(' OR ')})`
}

function rangeSql(column: string, beginning: string, parameters: Parameters): string {
  const end = afterAllBeginningWith(beginning)
  const from = `${column} >= ${parameters.add(beginning, 'text')}`
  return end === undefined ? from : `${from} AND ${column} < ${parameters.add(end, 'text')}`
}

/** What every path that matches begins with; before `/**` there may be nothing more, not even the `/`. */
function knownBeginning(pattern: string): string {
  const [fixed = ''] = pattern.split('*', 1)
  return fixed.endsWith('/') && pattern.startsWith('**', fixed.length) ? fixed.slice(0, -1) : fixed
}
