import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { behindPrefix, keyFault, prefixFault } from '#lib/key-rule.ts'

const part = fc.string({ unit: fc.constantFrom('a', 'ä', '.', ' ', 'é', '\u0301', '\u200b', '界'), maxLength: 4 })
const text = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))

describe('a key', () => {
  it('has beginnings that are prefixes, all of them', () => {
    fc.assert(
      fc.property(text, (key) => {
        fc.pre(keyFault(key) === undefined)
        for (let at = 0; at <= key.length; at += 1)
          expect([key.slice(0, at), prefixFault(key.slice(0, at))]).toEqual([key.slice(0, at), undefined])
      }),
    )
  })

  it('is before what is behind its prefix, by bytes, and what has another prefix is not between', () => {
    fc.assert(
      fc.property(text, text, (key, prefix) => {
        fc.pre(keyFault(key) === undefined)
        const [at, from, to] = [key, prefix, behindPrefix(prefix)].map((one) => Buffer.from(one)) as [
          Buffer,
          Buffer,
          Buffer,
        ]
        const isBetween = Buffer.compare(at, from) >= 0 && Buffer.compare(at, to) < 0
        expect(isBetween).toBe(key.startsWith(prefix))
      }),
    )
  })
})
