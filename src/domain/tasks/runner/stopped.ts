import type { AttemptEnd, StopReason } from '#domain/tasks/task.ts'

/** The end of an attempt that stopped because it was asked to; the signal was aborted with a `StopReason`. */
export function stoppedBy(stop: AbortSignal): AttemptEnd {
  return { kind: 'stopped', by: stop.reason as StopReason }
}
