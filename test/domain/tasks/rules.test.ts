import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mayRetry, type RetryPolicy, retryDelayMs } from '#domain/tasks/retry-plan.ts'
import { settle } from '#domain/tasks/settlement.ts'
import { batchPart, freeSlots } from '#domain/tasks/slots.ts'
import type { Attempt, Outcome } from '#domain/tasks/task.ts'

const policy: RetryPolicy = { maxAttempts: 5, backoff: 'exponential', delayMs: 100, maxDelayMs: 1_000 }

describe('the wait between attempts', () => {
  it.each([
    ['fixed', [100, 100, 100, 100]],
    ['linear', [100, 200, 300, 400]],
    ['exponential', [100, 200, 400, 800]],
  ] as const)('grows as %s says', (backoff, delays) => {
    expect([1, 2, 3, 4].map((attempt) => retryDelayMs({ ...policy, backoff }, attempt))).toEqual(delays)
  })

  it('never passes its limit, however many attempts there were', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.constantFrom('fixed', 'linear', 'exponential'),
        (attempt, backoff) => {
          const delay = retryDelayMs({ ...policy, backoff: backoff as RetryPolicy['backoff'] }, attempt)
          expect(delay).toBeGreaterThanOrEqual(0)
          expect(delay).toBeLessThanOrEqual(policy.maxDelayMs)
        },
      ),
    )
  })

  it('ends with the last attempt that may be made', () => {
    expect([1, 4, 5, 6].map((attempt) => mayRetry(policy, attempt))).toEqual([true, true, false, false])
  })
})

describe('the slots', () => {
  const plan = fc
    .tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 49 }))
    .filter(([slots, critical]) => critical < slots)
    .map(([slots, criticalSlots]) => ({ slots, criticalSlots }))
  const running = fc.record({ CRITICAL: fc.nat(50), NORMAL: fc.nat(50), BATCH: fc.nat(50) })

  it('never give out more places than there are, nor those kept for CRITICAL to others', () => {
    fc.assert(
      fc.property(plan, running, (slots, now) => {
        const { critical, shared } = freeSlots(slots, now)
        const taken = now.CRITICAL + now.NORMAL + now.BATCH
        expect(critical).toBeLessThanOrEqual(Math.max(0, slots.slots - taken))
        expect(shared).toBeLessThanOrEqual(critical)
        if (shared > 0) expect(now.NORMAL + now.BATCH + shared).toBeLessThanOrEqual(slots.slots - slots.criticalSlots)
      }),
    )
  })

  it('always leave a place for a batch task when none runs and one is free', () => {
    fc.assert(
      fc.property(plan, fc.integer({ min: 1, max: 50 }), (slots, shared) => {
        expect(batchPart(shared, 0, slots)).toBeGreaterThanOrEqual(1)
      }),
    )
  })
})

describe('the end of an attempt', () => {
  const now = new Date('2026-01-01T00:00:10Z')
  const attempt: Attempt = {
    accountId: 'a',
    taskId: 't',
    type: 'probe',
    priority: 'NORMAL',
    input: {},
    labels: {},
    number: 1,
    fence: 7,
    workerId: 1,
    timeoutMs: 1_000,
    lockMs: 1_000,
    retry: { maxAttempts: 2, backoff: 'fixed', delayMs: 500, maxDelayMs: 500 },
    startedAt: new Date('2026-01-01T00:00:00Z'),
  }
  const failure = (retryable: boolean): Outcome => ({ kind: 'failed', error: { code: 'X', message: 'x', retryable } })

  it('completes the task with its result', () => {
    const outcome: Outcome = { kind: 'completed', result: 42 }
    expect(settle(attempt, outcome, undefined, now)).toMatchObject({ status: 'COMPLETED', result: 42, fence: 7 })
  })

  it('lets it wait again while attempts are left', () => {
    const settlement = settle(attempt, failure(true), undefined, now)
    expect(settlement).toMatchObject({ status: 'SCHEDULED', next: { delayMs: 500 }, pastAttempt: { number: 1 } })
  })

  it('lets it wait without a delay when the policy has none', () => {
    const soon = { ...attempt, retry: { ...attempt.retry, delayMs: 0 } }
    expect(settle(soon, failure(true), undefined, now)).toMatchObject({ status: 'PENDING', next: { delayMs: 0 } })
  })

  it.each([
    ['the last attempt', { ...attempt, number: 2 }, true],
    ['what can’t be helped', attempt, false],
  ])('fails the task after %s', (_what, last, retryable) => {
    const settlement = settle(last, failure(retryable), undefined, now)
    expect(settlement).toMatchObject({ status: 'FAILED', error: { code: 'X' } })
    expect(settlement.next).toBeUndefined()
  })

  it('cancels a task that was asked to stop', () => {
    expect(settle(attempt, { kind: 'stopped' }, 'cancelled', now)).toMatchObject({ status: 'CANCELLED' })
  })

  it('gives back, uncounted, a task that the server had to stop', () => {
    const settlement = settle(attempt, { kind: 'stopped' }, 'released', now)
    expect(settlement).toMatchObject({ status: 'PENDING', uncounted: true, next: { delayMs: 0 } })
  })
})
