import { newId } from '#lib/ids.ts'
import { mayRetry, retryDelayMs } from './retry-plan.ts'
import type { Settlement } from './store/attempts.ts'
import type { Attempt, Outcome, TaskError } from './task.ts'

/** Why an attempt was asked to stop: by its caller, because the server stops, or because the task is no longer its own. */
export type StopReason = 'cancelled' | 'released' | 'lost'

/** What is kept of an attempt that is not the task's last word. */
export interface PastAttempt {
  readonly number: number
  readonly startedAt: string
  readonly finishedAt: string
  readonly error: TaskError | null
}

/** The attempt's worker went away without a word. */
export const workerLost: TaskError = {
  code: 'WORKER_LOST',
  message: 'The process that ran the task ended without a word.',
  retryable: true,
}

/** Where an attempt's end leaves its task. `stopped` is undefined when nobody asked it to stop. */
export function settle(attempt: Attempt, outcome: Outcome, stopped: StopReason | undefined, now: Date): Settlement {
  const { accountId, taskId, fence } = attempt
  const base = { accountId, taskId, fence }
  switch (outcome.kind) {
    case 'completed':
      return { ...base, status: 'COMPLETED', result: outcome.result }
    case 'stopped':
      if (stopped === 'cancelled') return { ...base, status: 'CANCELLED' }
      return { ...base, status: 'PENDING', next: { jobId: newId(), delayMs: 0 }, uncounted: true }
    case 'failed':
      return { ...base, ...settleFailure(attempt, outcome.error, now) }
  }
}

function settleFailure(attempt: Attempt, error: TaskError, now: Date) {
  if (!error.retryable || !mayRetry(attempt.retry, attempt.number)) return { status: 'FAILED' as const, error }
  const delayMs = retryDelayMs(attempt.retry, attempt.number)
  return {
    status: delayMs > 0 ? ('SCHEDULED' as const) : ('PENDING' as const),
    error,
    next: { jobId: newId(), delayMs },
    pastAttempt: pastAttempt(attempt.number, attempt.startedAt, now, error),
  }
}

export function pastAttempt(number: number, startedAt: Date, finishedAt: Date, error: TaskError | null): PastAttempt {
  return { number, startedAt: startedAt.toISOString(), finishedAt: finishedAt.toISOString(), error }
}
