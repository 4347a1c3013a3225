import { describe, expect, it } from 'vitest'
import { isStorable, storableJson } from '#lib/json.ts'

describe('a value', () => {
  it.each(['\u0000', 'a\u0000b', '\ud800', 'a\udfff', { '\u0000': 1 }, [{ a: ['\ud83d'] }], '\\\u0000'])(
    'can’t be stored as it is: %j',
    (value) => {
      expect(isStorable(value)).toBe(false)
      expect(isStorable(JSON.parse(storableJson(value)))).toBe(true)
    },
  )

  it.each(['', 'a', '\\u0000', '\\\\ud800', '\u{1f600}', '\ufffd', { '\\u0000': null }, undefined, [1]])(
    'can be stored: %j',
    (value) => {
      expect(isStorable(value)).toBe(true)
    },
  )
})
