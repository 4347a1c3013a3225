import type { ReportedEnd } from '#domain/tasks/task.ts'
import { failed } from './failure.ts'

/** setTimeout takes at most 2^31-1 ms, and fires at once beyond. */
const maxTimerMs = 2 ** 31 - 1

/** A duration that a timer understands. */
export function timerMs(durationMs: number): number {
  return Math.min(durationMs, maxTimerMs)
}

export function timeoutFailure(timeoutMs: number): ReportedEnd {
  return failed('TIMEOUT', `It did not end within ${timeoutMs.toLocaleString('en')} ms.`, true)
}
