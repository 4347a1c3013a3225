import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deliveryId } from '#domain/webhooks/delivery.ts'
import { EndpointThrottle } from '#domain/webhooks/endpoint-throttle.ts'
import { EndpointThrottles } from '#domain/webhooks/endpoint-throttles.ts'
import { selects } from '#domain/webhooks/event-pattern.ts'
import { settle } from '#domain/webhooks/outcome.ts'
import { looksSensitive, redact } from '#domain/webhooks/redaction.ts'
import { defaultRetryPlan, waitMs } from '#domain/webhooks/retry-plan.ts'
import { parseRetryAfter } from '#lib/http-header.ts'

const plan = { ...defaultRetryPlan, backoff: 'FIXED', delayMs: 1_000, maxDelayMs: 60_000 } as const
const middle = 0.5

describe('a wait', () => {
  it.each([
    ['FIXED', [1_000, 1_000, 1_000, 1_000]],
    ['LINEAR', [1_000, 2_000, 3_000, 4_000]],
    ['EXPONENTIAL', [1_000, 2_000, 4_000, 8_000]],
    ['SCHEDULE', [10, 20, 30, 30]],
  ] as const)('grows as %s says', (backoff, expected) => {
    const grown = { ...plan, backoff, scheduleMs: [10, 20, 30] }
    expect([1, 2, 3, 4].map((attempt) => waitMs(grown, attempt, middle))).toEqual(expected)
  })

  it('lies within a fifth of the plan, and never above the longest by more', () => {
    const backoffs = fc.constantFrom('FIXED', 'LINEAR', 'EXPONENTIAL' as const)
    fc.assert(
      fc.property(
        backoffs,
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (backoff, attempt, random) => {
          const planned = waitMs({ ...plan, backoff }, attempt, middle)
          const wait = waitMs({ ...plan, backoff }, attempt, random)
          expect(Math.abs(wait - planned)).toBeLessThanOrEqual(planned * 0.2 + 1)
          expect(wait).toBeLessThanOrEqual(plan.maxDelayMs * 1.2)
        },
      ),
    )
  })

  it('is as long as the receiver asks, but not longer than the plan’s longest', () => {
    expect(waitMs(plan, 1, middle, 5_000)).toBe(5_000)
    expect(waitMs(plan, 1, middle, 10)).toBe(1_000)
    expect(waitMs(plan, 1, middle, 10_000_000)).toBe(60_000)
  })

  it('makes eight attempts in about a day by itself', () => {
    const waits = Array.from({ length: 7 }, (_, index) => waitMs(defaultRetryPlan, index + 1, middle))
    const hours = waits.reduce((sum, wait) => sum + wait, 0) / 3_600_000
    expect([defaultRetryPlan.maxAttempts, hours > 20 && hours < 28]).toEqual([8, true])
  })

  it('is read from a number of seconds and from a date', () => {
    const now = new Date('2026-11-28T00:00:00Z')
    expect(parseRetryAfter('120', now)).toBe(120_000)
    expect(parseRetryAfter('Sat, 28 Nov 2026 00:01:00 GMT', now)).toBe(60_000)
    expect(parseRetryAfter('Fri, 27 Nov 2026 00:00:00 GMT', now)).toBe(0)
    expect([parseRetryAfter(undefined, now), parseRetryAfter('soon', now)]).toEqual([undefined, undefined])
  })
})

describe('an outcome', () => {
  const result = (outcome: string, responseStatus?: number) => ({
    at: new Date(),
    durationMs: 1,
    outcome,
    responseStatus,
  })
  const settled = (attempt: number, ...facts: Parameters<typeof result>) =>
    settle(plan, { attempt, attemptBase: 0 }, result(...facts), middle).status

  it('is followed by another attempt up to the last one', () => {
    expect([0, 6, 7].map((made) => settled(made, 'timeout'))).toEqual(['PENDING', 'PENDING', 'FAILED'])
    expect(settle(plan, { attempt: 9, attemptBase: 8 }, result('timeout'), middle).status).toBe('PENDING')
  })

  it('is the end when it is taken, gone, or has nothing to tell', () => {
    expect(settled(0, 'success', 204)).toBe('DELIVERED')
    expect(settle(plan, { attempt: 0, attemptBase: 0 }, result('client_error', 410), middle)).toEqual({
      status: 'FAILED',
      isGone: true,
    })
    expect([settled(0, 'skipped'), settled(0, 'expired')]).toEqual(['SKIPPED', 'FAILED'])
  })
})

describe('a throttle', () => {
  const limits = { concurrency: 3, ratePerSecond: undefined }

  it('has room for as many as may be under way', () => {
    const throttle = new EndpointThrottle()
    throttle.begin(2)
    expect(throttle.room(limits, 0)).toBe(1)
    throttle.begin()
    expect(throttle.room(limits, 0)).toBe(0)
    throttle.end(true, 0)
    expect(throttle.room(limits, 0)).toBe(1)
  })

  it('closes after failures in a row, lets one try, and closes for longer', () => {
    const throttle = new EndpointThrottle()
    const fail = (now: number) => {
      throttle.begin()
      throttle.end(false, now)
    }
    for (let failed = 0; failed < 4; failed += 1) fail(0)
    expect(throttle.room(limits, 0)).toBe(3)
    fail(0)
    expect([throttle.room(limits, 0), throttle.roomAt(limits, 0)]).toEqual([0, 5_000])
    expect(throttle.room(limits, 5_000)).toBe(1)
    fail(5_000)
    expect([throttle.room(limits, 14_999), throttle.room(limits, 15_000)]).toEqual([0, 1])
    throttle.begin()
    throttle.end(true, 15_000)
    expect(throttle.room(limits, 15_000)).toBe(3)
  })

  it('begins no more in a second than its rate', () => {
    const throttle = new EndpointThrottle()
    const slow = { concurrency: 100, ratePerSecond: 4 }
    let begun = 0
    for (let now = 0; now <= 10_000; now += 10) {
      const room = throttle.room(slow, now)
      throttle.begin(room)
      for (let one = 0; one < room; one += 1) throttle.end(true, now)
      begun += room
    }
    expect(begun).toBeGreaterThan(36)
    expect(begun).toBeLessThanOrEqual(44)
  })
})

describe('throttles', () => {
  const hour = 3_600_000

  it('are forgotten an hour after the last attempt, and not while one is under way', () => {
    const throttles = new EndpointThrottles()
    const busy = throttles.of('busy')
    busy.begin()
    for (let one = 0; one < 1_000; one += 1) {
      throttles.of(`deleted-${one}`).begin()
      throttles.of(`deleted-${one}`).end(true, 0)
    }
    throttles.forgetIdle(hour - 60_000)
    expect(throttles.size).toBe(1_001)
    throttles.forgetIdle(hour)
    expect([throttles.size, throttles.of('busy') === busy]).toEqual([1, true])
  })

  it('are kept while a circuit is open', () => {
    const throttles = new EndpointThrottles()
    const fail = (now: number) => {
      throttles.of('dead').begin()
      throttles.of('dead').end(false, now)
    }
    for (let failed = 0; failed < 5; failed += 1) fail(0)
    throttles.forgetIdle(hour)
    expect(throttles.size).toBe(1)
    throttles.forgetIdle(hour + 60_000)
    expect(throttles.size).toBe(0)
  })
})

describe('a delivery’s id', () => {
  const event = { xid: 1n, seq: 2n, at: new Date(1_700_000_000_000) }
  const webhook = '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11'

  it('is the same for the same event and webhook, and no other', () => {
    expect(deliveryId(webhook, event)).toBe(deliveryId(webhook, { ...event }))
    const others = [
      deliveryId(`${webhook}x`, event),
      deliveryId(webhook, { ...event, seq: 3n }),
      deliveryId(webhook, { ...event, xid: 2n }),
    ]
    expect(new Set([deliveryId(webhook, event), ...others]).size).toBe(4)
  })

  it('sorts by the event’s time', () => {
    expect(deliveryId(webhook, event) < deliveryId(webhook, { ...event, at: new Date(1_700_000_000_001) })).toBe(true)
  })
})

it.each([
  ['*', 'task.completed', true],
  ['task.*', 'task.completed', true],
  ['task.*', 'tasks.completed', false],
  ['task.completed', 'task.completed', true],
  ['task.completed', 'task.completed.late', false],
])('%s selects %s: %s', (pattern, type, expected) => {
  expect(selects(pattern, type)).toBe(expected)
})

it('knows names of credentials in every spelling', () => {
  const sensitive = [
    'password',
    'apiKey',
    'API_KEY',
    'client_secret',
    'accessToken',
    'Authorization',
    'set-cookie',
    'db-password',
  ]
  expect(sensitive.filter((name) => !looksSensitive(name))).toEqual([])
  expect(['key', 'tokens', 'secretary', 'passenger', 'author', 'priority'].filter(looksSensitive)).toEqual([])
})

describe('a path that is left out', () => {
  it('reaches a value below any one name, also one with a slash or a point in it', () => {
    const data = {
      customers: { 'acme/eu': { email: 'a' }, 'acme.us': { email: 'b' }, plain: { email: 'c', name: 'd' } },
    }
    expect(redact(data, ['customers.*.email'])).toEqual({
      customers: {
        'acme/eu': { email: '[redacted]' },
        'acme.us': { email: '[redacted]' },
        plain: { email: '[redacted]', name: 'd' },
      },
    })
    expect(redact({ labels: { 'app/name': 'x' } }, ['labels.app/name'])).toEqual({
      labels: { 'app/name': '[redacted]' },
    })
  })
})
