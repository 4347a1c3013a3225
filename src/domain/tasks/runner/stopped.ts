import type { AttemptEnd, StopReason } from '#domain/tasks/task.ts'

/**
 * The end of an attempt that was asked to stop; the signal was aborted with a `StopReason`. `isForced`: it didn't stop
 * within its grace period.
 */
export function stoppedBy(stop: AbortSignal, isForced = false): AttemptEnd {
  return { kind: 'stopped', by: stop.reason as StopReason, ...(isForced && { isForced }) }
}
