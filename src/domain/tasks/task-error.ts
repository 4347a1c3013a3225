/** Why an attempt, and so perhaps its task, has failed. */
export interface TaskError {
  /** Stable: `HANDLER_FAILED`, `TIMEOUT`, `EXITED`, `WORKER_LOST`, `DEPENDENCY_FAILED`, `SECRET_MISSING`, `CANCEL_FORCED`, `INVALID_INPUT`, `UNKNOWN_TASK_TYPE`, or one of the task type's own. */
  readonly code: string
  readonly message: string
  readonly stack?: string
  /** Whether trying again could help. */
  readonly retryable: boolean
  /** How long to wait before trying again, in milliseconds; goes before the retry policy's delay. */
  readonly retryAfterMs?: number
}

const cancelForcedCode = 'CANCEL_FORCED'

/** The attempt was asked to stop because its task was cancelled, and had to be ended. */
export const cancelForced: TaskError = {
  code: cancelForcedCode,
  message: 'It did not stop within its grace period after the task was cancelled, and was ended.',
  retryable: true,
}

export function isCancelForced({ code }: Pick<TaskError, 'code'>): boolean {
  return code === cancelForcedCode
}

const workerLostCode = 'WORKER_LOST'

/** The attempt's worker is gone, or can't be reached. */
export function workerLost(message: string): TaskError {
  return { code: workerLostCode, message, retryable: true }
}

export function isWorkerLost({ code }: Pick<TaskError, 'code'>): boolean {
  return code === workerLostCode
}
