import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SecretMask } from '#domain/tasks/runner/secret-mask.ts'

const masked = (values: string[], text: string, isCut = false) => SecretMask.of(values)?.text(text, isCut)

describe('a secret in a text', () => {
  it.each([
    ['alone', ['hunter22'], 'hunter22', '***'],
    ['within', ['hunter22'], 'is hunter22.', 'is ***.'],
    ['part of a longer secret', ['hunter', 'hunter22'], 'is hunter22', 'is ***'],
    ['with its line end left out', ['hunter22\n'], 'is hunter22', 'is ***'],
    ['in a URL', ['a/b c?d'], 'https://x:a%2Fb%20c%3Fd@y', 'https://x:***@y'],
    ['in JSON', ['a"b\\c\nd'], '{"x":"a\\"b\\\\c\\nd"}', '{"x":"***"}'],
    ['line by line', ['first line\n  second line\n}'], '  second line }', '  *** }'],
  ])('is masked %s', (_, values, text, expected) => {
    expect(masked(values, text)).toBe(expected)
  })

  it('is masked at the end of a text that was cut', () => {
    expect(masked(['hunter22'], 'is hunte', true)).toBe('is ***')
    expect(masked(['hunter22'], 'is hunte')).toBe('is hunte')
    expect(masked(['hunter22'], 'is hun', true)).toBe('is hun')
  })

  it('is masked in base64 of whatever surrounds it', () => {
    const texts = fc.string({ unit: 'grapheme', maxLength: 12 })
    const secrets = fc.string({ unit: 'grapheme', minLength: 12, maxLength: 40 }).filter((text) => text.trim() === text)
    fc.assert(
      fc.property(
        texts,
        secrets,
        texts,
        fc.constantFrom('base64' as const, 'base64url' as const),
        (a, secret, b, form) => {
          const encoded = Buffer.from(`${a}${secret}${b}`).toString(form)
          const text = masked([secret], encoded) ?? ''
          expect(text).toContain('***')
          // All characters that hold bits of the secret alone.
          const own = Math.floor((Buffer.byteLength(secret) * 8) / 6) - 2
          expect(text.length).toBeLessThanOrEqual(encoded.length - own + '***'.length)
        },
      ),
    )
  })

  it('leaves nothing of a secret in a JSON value', () => {
    const secret = 'hunter22'
    const value = { [secret]: [secret, { deep: `x${secret}` }, 1, null, true] }
    expect(SecretMask.of([secret])?.json(value)).toEqual({ '***': ['***', { deep: 'x***' }, 1, null, true] })
  })
})
