import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesPattern } from '#lib/path-pattern.ts'

describe('a path pattern', () => {
  it.each([
    ['releases/prod', ['releases/prod'], ['releases', 'releases/prod/emea', 'releases/production']],
    ['releases/*', ['releases/prod', 'releases/'], ['releases', 'releases/prod/emea', 'other/prod']],
    ['releases/**', ['releases', 'releases/prod', 'releases/prod/emea'], ['releases2', 'other/releases']],
    ['**/emea', ['emea', 'releases/emea', 'releases/prod/emea'], ['emea/prod', 'releases/xemea']],
    ['*/prod/*', ['releases/prod/emea'], ['prod/emea', 'releases/prod', 'a/releases/prod/emea']],
    ['a/**/b/**/c', ['a/b/c', 'a/x/b/y/z/c', 'a/b/b/c/c'], ['a/c', 'a/x/c/b']],
    ['**', ['', 'a', 'a/b/c'], []],
    ['deploy.*', ['deploy.prod', 'deploy.'], ['deploy', 'xdeploy.prod']],
    ['*a*b', ['ab', 'xaab', 'aabab'], ['ba', 'abc']],
    ['re.es/[a]+', ['re.es/[a]+'], ['rexes/aa']],
  ])('%s means its paths and no others', (pattern, inside, outside) => {
    for (const path of inside) expect([path, matchesPattern(pattern, path)]).toEqual([path, true])
    for (const path of outside) expect([path, matchesPattern(pattern, path)]).toEqual([path, false])
  })

  it('without a star matches itself alone', () => {
    const path = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '+') })
    fc.assert(fc.property(path, path, (a, b) => matchesPattern(a, b) === (a === b)))
  })

  it('matches what a star was put into', () => {
    const segment = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 6 })
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), fc.nat(4), fc.nat(6), (segments, at, cut) => {
        const index = at % segments.length
        const starred = segments.with(index, `${(segments[index] as string).slice(0, cut)}*`)
        return matchesPattern(starred.join('/'), segments.join('/'))
      }),
    )
  })

  it('gives up in few steps on a pattern made to take many', () => {
    expect(matchesPattern(`${'*a'.repeat(120)}b`, 'a'.repeat(5_000))).toBe(false)
    expect(matchesPattern(`${'**/a/'.repeat(60)}b`, 'a/'.repeat(2_000))).toBe(false)
  })
})
