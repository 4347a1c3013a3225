import { newId } from '#lib/ids.ts'
import { mayRetry, retryDelayMs } from './retry-plan.ts'
import type { Settlement } from './store/attempts.ts'
import type { Attempt, Outcome, TaskError } from './task.ts'

/**
 * Why an attempt was asked to stop: by its caller, because the server stops, because the task is no longer its own, or
 * because the worker has been without the database for longer than its lease, so that it may be another's by now.
 */
export type StopReason = 'cancelled' | 'released' | 'lost' | 'expired'

/** What is kept of an attempt that is not the task's last word. */
export interface PastAttempt {
  readonly number: number
  readonly startedAt: string
  readonly finishedAt: string
  readonly error: TaskError | null
}

/** The attempt's worker is gone, or can't be reached. */
function workerLost(message: string): TaskError {
  return { code: 'WORKER_LOST', message, retryable: true }
}

/** Why an attempt is taken from its worker, which has been silent for so long; undefined when it is dead. */
export function lossOf({ lockMs, timeoutMs }: Attempt, silentMs: number | undefined): TaskError {
  if (silentMs === undefined) return workerLost('The process that ran the task ended without a word.')
  const format = (ms: number) => Math.floor(ms).toLocaleString('en')
  if (silentMs >= lockMs)
    return workerLost(`The process that runs the task gave no sign of life for ${format(silentMs)} ms.`)
  const message = `It did not end within ${format(timeoutMs)} ms, and the process that runs it gives no sign of life.`
  return { code: 'TIMEOUT', message, retryable: true }
}

/** The attempt ended here, and the database has forgotten that, as after a failover that lost its last commits. */
export const endForgotten = workerLost('How the attempt ended was lost with the former database server.')

/** Where an attempt's end leaves its task. `stopped` is undefined when nobody asked it to stop. */
export function settle(attempt: Attempt, outcome: Outcome, stopped: StopReason | undefined, now: Date): Settlement {
  const { accountId, taskId, fence, workerId } = attempt
  const base = { accountId, taskId, fence, workerId }
  switch (outcome.kind) {
    case 'completed':
      return { ...base, status: 'COMPLETED', result: outcome.result }
    case 'stopped':
      if (stopped === 'cancelled') return { ...base, status: 'CANCELLED' }
      if (stopped === 'expired')
        return {
          ...base,
          ...settleFailure(attempt, workerLost('The process that ran the task lost the database.'), now),
        }
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
