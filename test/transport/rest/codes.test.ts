import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { errorTable } from '#lib/errors.ts'
import { codeTable, meaningOf } from '#transport/rest/codes.ts'

/** Codes of the errors that the source defines, each with its kind. */
function definedCodes(): { code: string; kind: keyof typeof errorTable }[] {
  const sources = globSync('{src,schema}/**/*.ts').map((file) => readFileSync(file, 'utf8'))
  return sources.flatMap((text) =>
    [...text.matchAll(/readonly kind = '([a-z-]+)'\s+readonly code = '([A-Z_]+)'/g)].map(([, kind, code]) => ({
      kind: kind as keyof typeof errorTable,
      code: code ?? '',
    })),
  )
}

describe('the table of codes', () => {
  const codes = definedCodes()

  it('is compared with the errors of the whole source', () => {
    expect(codes.length).toBeGreaterThan(10)
  })

  it.each(codes)('has $code', ({ code }) => {
    expect(Object.keys(codeTable)).toContain(code)
  })

  // A cursor is part of the address here, so a bad one makes the request malformed.
  it.each(codes.filter(({ code }) => code !== 'INVALID_CURSOR'))(
    'gives $code the status of its kind',
    ({ code, kind }) => {
      expect(meaningOf(code).status).toBe(errorTable[kind].status)
    },
  )

  it('takes an unknown code for a bug', () => {
    expect(meaningOf('SOMETHING_ELSE').status).toBe(500)
    expect(meaningOf('toString').status).toBe(500)
  })
})
