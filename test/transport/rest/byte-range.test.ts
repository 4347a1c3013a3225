import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseByteRange } from '#transport/rest/byte-range.ts'

describe('parseByteRange', () => {
  it.each([
    [undefined, 10, undefined],
    ['bytes=0-0', 10, { start: 0, end: 1 }],
    ['bytes=2-', 10, { start: 2, end: 10 }],
    ['bytes=-3', 10, { start: 7, end: 10 }],
    ['bytes=-30', 10, { start: 0, end: 10 }],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=-', 10, undefined],
    ['bytes=5-4', 10, undefined],
    ['bytes=0-1,3-4', 10, undefined],
    ['items=0-1', 10, undefined],
    ['BYTES=0-1', 10, { start: 0, end: 2 }],
  ])('reads %j of %i bytes as %j', (header, size, range) => {
    expect(parseByteRange(header, size)).toEqual(range)
  })

  it('never leaves the bytes that there are, and never is empty', () => {
    const end = fc.option(fc.nat({ max: 300 }), { nil: '' })
    fc.assert(
      fc.property(end, end, fc.nat({ max: 200 }), (first, last, size) => {
        const range = parseByteRange(`bytes=${first}-${last}`, size)
        if (range === undefined || range === 'unsatisfiable') return true
        return range.start >= 0 && range.start < range.end && range.end <= size
      }),
    )
  })
})
