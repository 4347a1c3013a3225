import { describe, expect, it } from 'vitest'
import { errorCodes, errorTable } from '#lib/error-codes.ts'
import { meaningOf } from '#transport/rest/codes.ts'

describe('the table of codes', () => {
  it.each(Object.entries(errorCodes).filter(([code]) => code !== 'INVALID_CURSOR'))(
    'gives %s the status of its kind, %s',
    (code, kind) => {
      expect(meaningOf(code).status).toBe(errorTable[kind].status)
    },
  )

  it('means by a bad cursor a bad address', () => {
    expect(meaningOf('INVALID_CURSOR').status).toBe(400)
  })

  it('says after how long to try again where that can help', () => {
    for (const code of ['RATE_LIMITED', 'UNAVAILABLE']) expect(meaningOf(code).retryAfterS).toBeGreaterThan(0)
    expect(meaningOf('NOT_FOUND').retryAfterS).toBeUndefined()
  })

  it('takes an unknown code for a bug of ours', () => {
    for (const code of ['WHATEVER', 'toString', '']) expect(meaningOf(code)).toEqual({ status: 500 })
  })
})
