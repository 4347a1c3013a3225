import { describe, expect, it } from 'vitest'
import { InvalidInput } from '#lib/errors.ts'
import { matches } from '#lib/filter/matches.ts'
import { parseFilter } from '#lib/filter/parse.ts'

const is = (raw: unknown, data: unknown): boolean => matches(parseFilter(raw), { data })

function refused(raw: unknown): string {
  try {
    parseFilter(raw)
  } catch (error) {
    if (error instanceof InvalidInput) return error.message
    throw error
  }
  throw new Error('It was not refused.')
}

const nested = (depth: number): unknown =>
  Array.from({ length: depth }).reduce<unknown>((inner) => ({ not: inner }), { path: 'a', eq: 1 })

describe('a filter', () => {
  it.each([
    ['equal numbers', { path: 'a', eq: 1 }, { a: 1.0 }, true],
    ['zero and minus zero', { path: 'a', eq: 0 }, JSON.parse('{"a":-0}'), true],
    ['a number and its text', { path: 'a', eq: 1 }, { a: '1' }, false],
    ['members in another order', { path: 'a', eq: { x: 1, y: [2] } }, { a: { y: [2], x: 1 } }, true],
    ['a member more', { path: 'a', eq: { x: 1 } }, { a: { x: 1, y: 2 } }, false],
    ['null where null is', { path: 'a', eq: null }, { a: null }, true],
    ['null where nothing is', { path: 'a', eq: null }, {}, false],
    ['another than nothing', { path: 'a', ne: 1 }, {}, true],
    ['none of these, where nothing is', { path: 'a', notIn: [1, 2] }, {}, true],
    ['less than, across types', { path: 'a', lt: 'b' }, { a: 1 }, false],
    ['characters beyond U+FFFF after all others', { path: 'a', gt: '\uffef' }, { a: '\u{1f600}' }, true],
    ['an element of an array', { path: 'a.1.b', gte: 2 }, { a: [0, { b: 2 }] }, true],
    ['an element counted from the end', { path: 'a.-1', exists: true }, { a: [1] }, false],
    ['what objects inherit', { path: 'constructor.name', exists: true }, {}, false],
    ['the prototype', { path: '__proto__.toString', exists: true }, {}, false],
    ['a member named __proto__', { path: '__proto__.a', eq: 1 }, JSON.parse('{"__proto__":{"a":1}}'), true],
    ['a pointer to a name with dots', { path: '/a.b/c~1d', eq: 1 }, { 'a.b': { 'c/d': 1 } }, true],
    ['a pattern anywhere', { path: 'a', matches: 'v\\d+' }, { a: 'at v12' }, true],
    ['any character, line ends too', { path: 'a', matches: '^a.b$' }, { a: 'a\nb' }, true],
    ['a pattern behind the first 4,096 characters', { path: 'a', matches: 'b' }, { a: `${'a'.repeat(4_096)}b` }, false],
    ['an element equal to it', { path: 'a', arrayContains: { x: 1 } }, { a: [{ x: 1 }] }, true],
    ['an element with more in it', { path: 'a', arrayContains: { x: 1 } }, { a: [{ x: 1, y: 2 }] }, false],
    ['all of nothing', {}, {}, true],
    ['one of nothing', { or: [] }, {}, false],
    [
      'several conditions on one path',
      { path: 'a', gt: 1, lt: 3, and: [{ path: 'b', exists: false }] },
      { a: 2 },
      true,
    ],
    ['null for what is not asked for', { path: null, and: null, key: null }, {}, true],
  ])('with %s', (_name, raw, data, expected) => {
    expect(is(raw, data)).toBe(expected)
  })

  it('asks about what is beside the data, and finds nothing where that is not known', () => {
    const filter = parseFilter({ key: { startsWith: 'eu-' }, createdAt: { lt: '2026-11-28T10:00:00Z' } })
    const createdAt = new Date('2026-11-28T09:59:59.999Z')
    expect(matches(filter, { data: {}, key: 'eu-1', createdAt })).toBe(true)
    expect(matches(filter, { data: {}, key: 'us-1', createdAt })).toBe(false)
    expect(matches(filter, { data: {}, key: 'eu-1' })).toBe(false)
  })

  it.each([
    ['a list', [], 'where: must be an object'],
    ['an unknown part', { nor: [] }, 'where.nor: is not part of a filter'],
    ['what objects inherit', { toString: {} }, 'where.toString: is not part of a filter'],
    ['an operator without a path', { eq: 1 }, 'where.eq: needs a path'],
    ['a path without an operator', { path: 'a' }, 'where: has a path but no condition'],
    ['an empty path', { path: '', eq: 1 }, 'The path "" has an empty part'],
    ['a path too long', { path: Array(17).fill('a').join('.'), eq: 1 }, 'has more than 16 parts'],
    ['a path with NUL', { path: 'a\u0000', eq: 1 }, 'has a character that no document can hold'],
    ['a broken pointer', { path: '/a~2', eq: 1 }, 'has a ~ that is neither ~0 nor ~1'],
    ['a value with NUL', { path: 'a', eq: { b: '\u0000' } }, 'where.eq: has a character that no document can hold'],
    ['half a character', { key: { startsWith: '\ud83d' } }, 'where.key.startsWith: has a character'],
    [
      'a number beyond JSON',
      { path: 'a', gt: Number.POSITIVE_INFINITY },
      'where.gt: is a number that is too large or not a number',
    ],
    ['an integer that lost digits', { path: 'a', in: [2 ** 53] }, 'where.in.0: is an integer beyond'],
    ['an order of truth', { path: 'a', gt: true }, 'where.gt: must be a number or a text'],
    ['an unknown type', { path: 'a', type: 'undefined' }, 'where.type: must be one of object, array'],
    ['a text too long', { path: 'a', contains: 'x'.repeat(1_001) }, 'must have at most 1000 characters'],
    ['too many values', { path: 'a', in: Array(201).fill(1) }, 'must be at most 200 values'],
    [
      'a value too deep',
      { path: 'a', eq: JSON.parse('['.repeat(9_000) + ']'.repeat(9_000)) },
      'is nested more than 200',
    ],
    ['10,000 branches', { or: Array(10_000).fill({ path: 'a', eq: 1 }) }, 'where.or: must be at most 500 filters'],
    ['201 conditions', { or: Array(201).fill({ path: 'a', eq: 1 }) }, 'at most 200 can be asked for'],
    ['many empty filters', { or: Array(30).fill({ or: Array(30).fill({}) }) }, 'at most 500 can be put together'],
    ['21 levels', nested(20), 'is more than 20 deep'],
    ['eleven patterns', { or: Array(11).fill({ path: 'a', matches: 'a' }) }, 'at most 10 can be asked for'],
    [
      'an operator that fields don’t have',
      { version: { contains: 'a' } },
      'where.version.contains: is not a condition',
    ],
    ['a text for a number', { version: { eq: '1' } }, 'where.version.eq: must be a number'],
    ['a day that is not there', { createdAt: { gt: '2026-02-30T10:00:00Z' } }, 'where.createdAt.gt: must be a time'],
    ['no time', { createdAt: { gt: 'yesterday' } }, 'where.createdAt.gt: must be a time'],
  ])('is refused with %s', (_name, raw, message) => {
    expect(refused(raw)).toContain(message)
  })

  it.each([
    ['what goes back to a group', '(a)\\1', 'refers back to a group'],
    ['what looks around', '(?=a)', 'looks around'],
    ['a Unicode property', '\\p{L}', 'has a Unicode property'],
    ['modifiers', '(?i:a)', 'has modifiers'],
    ['repetitions of repetitions', '(?:a{100}){100}', 'is too large once its repetitions are written out'],
    ['an open group', '(', 'is not a regular expression'],
  ])('is refused with %s in a pattern', (_name, source, message) => {
    expect(refused({ path: 'a', matches: source })).toContain(message)
  })

  it('searches in linear time what would backtrack for ever', () => {
    expect(is({ path: 'a', matches: '^(a+)+$' }, { a: `${'a'.repeat(4_000)}b` })).toBe(false)
    expect(is({ path: 'a', matches: '(a|a)*(a|a)*(a|a)*(a|a)*b$' }, { a: 'a'.repeat(100_000) })).toBe(false)
  })
})
