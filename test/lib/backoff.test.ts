import { describe, expect, it } from 'vitest'
import { backoffMs, jittered } from '#lib/backoff.ts'

describe('a backoff', () => {
  const upTo = { delayMs: 100, maxDelayMs: 1_000 }
  const waits = (growth: 'fixed' | 'linear' | 'exponential') =>
    [1, 2, 3, 4, 5, 1_000_000].map((attempt) => backoffMs({ growth, ...upTo }, attempt))

  it('stays, grows by its first wait, or doubles, up to its maximum', () => {
    expect(waits('fixed')).toEqual([100, 100, 100, 100, 100, 100])
    expect(waits('linear')).toEqual([100, 200, 300, 400, 500, 1_000])
    expect(waits('exponential')).toEqual([100, 200, 400, 800, 1_000, 1_000])
  })

  it('is spread by chance around what was planned', () => {
    expect([0, 0.5, 1].map((random) => jittered(1_000, 0.2, random))).toEqual([800, 1_000, 1_200])
  })
})
