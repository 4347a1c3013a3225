import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { claimSteps, freeSlots } from '#domain/tasks/claim-policy.ts'
import { mayRetry, type RetryPolicy, retryDelayMs } from '#domain/tasks/retry-plan.ts'
import { cancelRequested, ended, retried, submitted } from '#domain/tasks/state-machine.ts'
import { type Attempt, type AttemptEnd, hasEnded, type TaskStatus, taskStatuses } from '#domain/tasks/task.ts'
import { workerLost } from '#domain/tasks/task-error.ts'

const policy: RetryPolicy = {
  maxAttempts: 5,
  backoff: 'exponential',
  delayMs: 100,
  maxDelayMs: 1_000,
  onWorkerLost: 'fail',
}
const failure = { code: 'X', message: 'x', retryable: true }

describe('the wait between attempts', () => {
  it.each([
    ['fixed', [100, 100, 100, 100]],
    ['linear', [100, 200, 300, 400]],
    ['exponential', [100, 200, 400, 800]],
  ] as const)('grows as %s says', (backoff, delays) => {
    expect([1, 2, 3, 4].map((attempt) => retryDelayMs({ ...policy, backoff }, attempt, failure, 0))).toEqual(delays)
  })

  it('never passes its limit, however many attempts there were', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.constantFrom<RetryPolicy['backoff']>('fixed', 'linear', 'exponential'),
        fc.float({ min: 0, max: 1, noNaN: true }),
        fc.float({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, backoff, jitter, random) => {
          const delay = retryDelayMs({ ...policy, backoff, jitter }, attempt, failure, random)
          expect(delay).toBeGreaterThanOrEqual(0)
          expect(delay).toBeLessThanOrEqual(policy.maxDelayMs)
        },
      ),
    )
  })

  it('is shortened by a random share of up to its jitter', () => {
    const delays = [0, 0.5, 0.99].map((random) => retryDelayMs({ ...policy, jitter: 0.5 }, 3, failure, random))
    expect(delays).toEqual([400, 300, 202])
  })

  it('is what the error asks for, where it does, and none after a lost worker', () => {
    expect(retryDelayMs({ ...policy, jitter: 1 }, 1, { ...failure, retryAfterMs: 60_000 }, 0.5)).toBe(60_000)
    expect(retryDelayMs(policy, 1, { ...failure, retryAfterMs: 0 }, 0)).toBe(0)
    expect(retryDelayMs(policy, 1, workerLost('It is gone.'), 0)).toBe(0)
  })

  it('ends with the last attempt that may be made', () => {
    expect([1, 4, 5, 6].map((attempt) => mayRetry(policy, attempt, failure))).toEqual([true, true, false, false])
  })

  it('follows only errors that the policy lists, where it does, and the loss of the worker', () => {
    const listed = { ...policy, retryOn: ['LIMIT', 'X'] }
    const errors = [failure, { ...failure, code: 'OTHER' }, { ...failure, retryable: false }, workerLost('It is gone.')]
    expect(errors.map((error) => mayRetry(listed, 1, error))).toEqual([true, false, false, true])
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

  /** What is claimed when so many wait in each queue. */
  function fill(
    slots: { slots: number; criticalSlots: number },
    now: Counts,
    waiting: Counts,
    isBatchOpen = true,
  ): Counts {
    const left = { ...waiting }
    const claimed = { CRITICAL: 0, NORMAL: 0, BATCH: 0 }
    const steps = claimSteps(slots, freeSlots(slots, now), now.BATCH, isBatchOpen)
    let step = steps.next(0)
    while (!step.done) {
      const { priority, limit } = step.value
      const found = Math.min(limit, left[priority])
      left[priority] -= found
      claimed[priority] += found
      step = steps.next(found)
    }
    return claimed
  }

  it('are filled as far as tasks wait, and never beyond', () => {
    fc.assert(
      fc.property(plan, running, running, (slots, now, waiting) => {
        const { critical, shared } = freeSlots(slots, now)
        const claimed = fill(slots, now, waiting)
        const others = claimed.NORMAL + claimed.BATCH
        expect(claimed.CRITICAL).toBe(Math.min(critical, waiting.CRITICAL))
        expect(others).toBe(Math.min(shared, critical - claimed.CRITICAL, waiting.NORMAL + waiting.BATCH))
      }),
    )
  })

  it('are left empty rather than given to batch tasks while those may not start', () => {
    fc.assert(
      fc.property(plan, running, running, (slots, now, waiting) => {
        const { critical, shared } = freeSlots(slots, now)
        const claimed = fill(slots, now, waiting, false)
        expect(claimed.BATCH).toBe(0)
        expect(claimed.NORMAL).toBe(Math.min(shared, critical - claimed.CRITICAL, waiting.NORMAL))
      }),
    )
  })

  it('always leave one for a batch task when none runs and one is free', () => {
    fc.assert(
      fc.property(plan, fc.integer({ min: 1, max: 50 }), (slots, normal) => {
        const nothing = { CRITICAL: 0, NORMAL: 0, BATCH: 0 }
        expect(fill(slots, nothing, { CRITICAL: 0, NORMAL: normal, BATCH: 1 }).BATCH).toBe(1)
      }),
    )
  })
})

type Counts = Record<'CRITICAL' | 'NORMAL' | 'BATCH', number>

describe('the end of an attempt', () => {
  const now = new Date('2026-01-01T00:00:10Z')
  const at = { now, random: 0 }
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
    retry: { maxAttempts: 2, backoff: 'fixed', delayMs: 500, maxDelayMs: 500, onWorkerLost: 'fail' },
    uncountedLosses: 0,
    uncountedAttempts: 0,
    checkpoint: null,
    isRemote: false,
    startedAt: new Date('2026-01-01T00:00:00Z'),
  }
  const failed = (retryable: boolean): AttemptEnd => ({
    kind: 'failed',
    error: { code: 'X', message: 'x', retryable },
  })

  it('completes the task with its result, even when somebody asked it to stop', () => {
    const transition = { status: 'COMPLETED', event: 'task.completed', result: 42 }
    for (const isCancelRequested of [false, true])
      expect(ended(attempt, { kind: 'completed', result: 42 }, at, isCancelRequested)).toEqual(transition)
  })

  it('lets it wait again while attempts are left', () => {
    expect(ended(attempt, failed(true), at, false)).toEqual({
      status: 'SCHEDULED',
      event: 'task.retried',
      dueInMs: 500,
      error: { code: 'X', message: 'x', retryable: true },
      pastAttempt: {
        number: 1,
        status: 'FAILED',
        workerId: attempt.workerId,
        startedAt: attempt.startedAt,
        finishedAt: now,
        error: { code: 'X', message: 'x', retryable: true },
      },
    })
  })

  it('lets it wait without a delay when the policy has none', () => {
    const soon = { ...attempt, retry: { ...attempt.retry, delayMs: 0 } }
    expect(ended(soon, failed(true), at, false)).toMatchObject({ status: 'PENDING', dueInMs: 0 })
  })

  it.each([
    ['the last attempt', { ...attempt, number: 2 }, true],
    ['what can’t be helped', attempt, false],
  ])('fails the task after %s', (_what, last, retryable) => {
    const transition = ended(last, failed(retryable), at, false)
    expect(transition).toEqual({
      status: 'FAILED',
      event: 'task.failed',
      error: { code: 'X', message: 'x', retryable },
    })
  })

  it.each<[string, AttemptEnd, boolean]>([
    ['stopped for it', { kind: 'stopped', by: 'cancelled' }, false],
    ['failed after it', failed(true), true],
    ['was stopped by the server after it', { kind: 'stopped', by: 'released' }, true],
  ])('cancels a task that %s', (_what, end, isCancelRequested) => {
    const transition = ended(attempt, end, at, isCancelRequested)
    expect(transition).toMatchObject({ status: 'CANCELLED', event: 'task.cancelled' })
    expect(transition.dueInMs).toBeUndefined()
    expect(transition.pastAttempt).toBeUndefined()
  })

  it('gives back, uncounted, a task that the server had to stop', () => {
    const transition = { status: 'PENDING', event: 'task.released', dueInMs: 0, isUndone: true }
    expect(ended(attempt, { kind: 'stopped', by: 'released' }, at, false)).toEqual(transition)
  })

  it('counts as lost when the worker was without the database for too long, and is repeated without a delay', () => {
    const transition = ended(attempt, { kind: 'stopped', by: 'expired' }, at, false)
    expect(transition).toMatchObject({ status: 'PENDING', dueInMs: 0, error: { code: 'WORKER_LOST' } })
    expect(
      ended({ ...attempt, number: attempt.retry.maxAttempts }, { kind: 'stopped', by: 'expired' }, at, false),
    ).toMatchObject({ status: 'FAILED' })
  })

  describe('of a type that may run again after its worker was lost', () => {
    const safe = { ...attempt, retry: { ...attempt.retry, maxAttempts: 1, onWorkerLost: 'retry' } } as const
    const loss: AttemptEnd = { kind: 'failed', error: workerLost('It is gone.') }

    it('runs again at once, and does not count the loss', () => {
      expect(ended(safe, loss, at, false)).toMatchObject({
        ...{ status: 'PENDING', event: 'task.retried', dueInMs: 0, isUncountedLoss: true },
        pastAttempt: { number: 1, status: 'LOST', error: { code: 'WORKER_LOST' } },
      })
      expect(ended(safe, { kind: 'stopped', by: 'expired' }, at, false)).toMatchObject({ isUncountedLoss: true })
    })

    it('has as many attempts as its policy says beside those', () => {
      const second = { ...safe, number: 3, uncountedLosses: 2, uncountedAttempts: 2 }
      expect(ended(second, failed(true), at, false)).toMatchObject({ status: 'FAILED' })
      const patient = { ...second, retry: { ...second.retry, maxAttempts: 2 } }
      const again = ended(patient, failed(true), at, false)
      expect(again).toMatchObject({ status: 'SCHEDULED', dueInMs: 500 })
      expect(again.isUncountedLoss).toBeUndefined()
    })

    it('is lost at most five times without counting', () => {
      expect(ended({ ...safe, number: 5, uncountedLosses: 4, uncountedAttempts: 4 }, loss, at, false)).toMatchObject({
        status: 'PENDING',
      })
      expect(ended({ ...safe, number: 6, uncountedLosses: 5, uncountedAttempts: 5 }, loss, at, false)).toMatchObject({
        status: 'FAILED',
      })
    })

    it('is cancelled when somebody has asked for that', () => {
      expect(ended(safe, loss, at, true)).toMatchObject({ status: 'CANCELLED' })
    })
  })

  it('leads where another attempt can follow exactly when there is one', () => {
    const end = fc.constantFrom<AttemptEnd>(
      { kind: 'completed', result: null },
      failed(true),
      failed(false),
      { kind: 'stopped', by: 'cancelled' },
      { kind: 'stopped', by: 'released' },
      { kind: 'stopped', by: 'expired' },
    )
    fc.assert(
      fc.property(end, fc.boolean(), fc.integer({ min: 1, max: 3 }), (how, isCancelRequested, number) => {
        const { status, dueInMs } = ended({ ...attempt, number }, how, at, isCancelRequested)
        expect(hasEnded(status)).toBe(dueInMs === undefined)
      }),
    )
  })
})

describe('what callers ask of a task', () => {
  const now = new Date('2026-01-01T00:00:00Z')

  it.each([
    ['at once', undefined, 'PENDING'],
    ['at a time that is over', new Date(now.getTime() - 1), 'PENDING'],
    ['later', new Date(now.getTime() + 1), 'SCHEDULED'],
  ])('a submission to run %s', (_when, runAt, status) => {
    expect(submitted(runAt, now)).toEqual({ status, event: 'task.submitted' })
  })

  const cancelled: Record<TaskStatus, unknown> = {
    SCHEDULED: { status: 'CANCELLED', event: 'task.cancelled' },
    PENDING: { status: 'CANCELLED', event: 'task.cancelled' },
    ACTIVE: { status: 'ACTIVE', event: 'task.cancel_requested' },
    COMPLETED: undefined,
    FAILED: undefined,
    CANCELLED: undefined,
  }
  it.each(taskStatuses)('to cancel it when it is %s', (status) => {
    expect(cancelRequested(status)).toEqual(cancelled[status])
  })

  it.each(taskStatuses)('to retry it when it is %s', (status) => {
    const transition = retried({ status, attempt: 0, workerId: null, startedAt: null, finishedAt: null, error: null })
    const mayBeRetried = status === 'FAILED' || status === 'CANCELLED'
    expect(transition).toEqual(mayBeRetried ? { status: 'PENDING', event: 'task.retried', dueInMs: 0 } : undefined)
  })

  it('to retry it keeps its last attempt', () => {
    const error = { code: 'X', message: 'x', retryable: false }
    const times = { workerId: 7, startedAt: now, finishedAt: now }
    const last = { status: 'FAILED', attempt: 2, ...times, error } as const
    expect(retried(last)?.pastAttempt).toEqual({ number: 2, status: 'FAILED', ...times, error })
  })
})
