import { LRUCache } from 'lru-cache'
import { invalidInput } from '#lib/errors.ts'
import type { Filter } from './filter.ts'
import { mustBeExact, readFilter } from './parse.ts'

/**
 * Regular expressions of a filter that is evaluated for each change, in the process itself: together they have at most so
 * many characters once their repetitions are written out. The database has more time for a list.
 */
export const maxLivePatternSize = 200

/** A filter that is evaluated for each change; equal ones in use are the same object. */
export interface LiveFilter {
  readonly filter: Filter
}

/** Characters of filters as JSON that are kept to find equal ones. */
const keptCharacters = 8 * 1024 * 1024
const known = new LRUCache<string, LiveFilter>({
  maxSize: keptCharacters,
  sizeCalculation: (_, text) => text.length + 100,
})

/** Reads a filter that somebody wants to have evaluated for each change. @throws {InvalidInput} also when its patterns are too large. */
export function parseLiveFilter(raw: unknown, at = 'where'): LiveFilter {
  mustBeExact(raw, at)
  const live = readLiveFilter(raw, at)
  const size = patternSizeOf(live.filter)
  if (size <= maxLivePatternSize) return live
  const message =
    `has regular expressions of ${size} characters once their repetitions are written out; ` +
    `at most ${maxLivePatternSize} are searched for each change`
  throw invalidInput('The filter', [{ path: at, message }])
}

/** As {@link parseLiveFilter}, for a filter that was taken before: whatever it costs too much is found when it is evaluated. */
export function readLiveFilter(raw: unknown, at = 'where'): LiveFilter {
  const text = JSON.stringify(raw, datesApart)
  const found = known.get(text)
  if (found !== undefined) return found
  const live: LiveFilter = { filter: readFilter(raw, at) }
  known.set(text, live)
  return live
}

/** A time and its text are not the same operand. */
function datesApart(this: unknown, name: string, value: unknown): unknown {
  const given = (this as Record<string, unknown>)[name]
  return given instanceof Date ? { date: value } : value
}

function patternSizeOf(filter: Filter): number {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.reduce((sum, one) => sum + patternSizeOf(one), 0)
    case 'not':
      return patternSizeOf(filter.filter)
    case 'condition':
      return filter.test.op === 'matches' ? filter.test.pattern.size : 0
  }
}
