/** Why an attempt, and so perhaps its task, has failed. */
export interface TaskError {
  /** Stable: `HANDLER_FAILED`, `TIMEOUT`, `EXITED`, `WORKER_LOST`, `SECRET_MISSING`, `INVALID_INPUT`, `UNKNOWN_TASK_TYPE`, or one of the task type's own. */
  readonly code: string
  readonly message: string
  readonly stack?: string
  /** Whether trying again could help. */
  readonly retryable: boolean
  /** How long to wait before trying again, in milliseconds; goes before the retry policy's delay. */
  readonly retryAfterMs?: number
}

const workerLostCode = 'WORKER_LOST'

/** The attempt's worker is gone, or can't be reached. */
export function workerLost(message: string): TaskError {
  return { code: workerLostCode, message, retryable: true }
}

export function isWorkerLost({ code }: Pick<TaskError, 'code'>): boolean {
  return code === workerLostCode
}
