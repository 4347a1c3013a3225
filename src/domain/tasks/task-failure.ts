interface TaskFailureOptions extends ErrorOptions {
  /** How long another attempt should wait, in milliseconds, at most a day; default: as the retry policy says. */
  readonly retryAfterMs?: number | undefined
}

/** Thrown by a task type's `run` to fail with a code of its own; another attempt may follow. */
export class TaskFailure extends Error {
  readonly code: string
  readonly retryable: boolean = true
  readonly retryAfterMs: number | undefined
  constructor(message: string, code: string, options?: TaskFailureOptions) {
    super(message, options)
    this.name = 'TaskFailure'
    this.code = code
    this.retryAfterMs = options?.retryAfterMs
  }
}

/** Thrown by a task type's `run` when trying again cannot help; ends the task whatever its retry policy says. */
export class PermanentFailure extends TaskFailure {
  override readonly retryable = false
  constructor(message: string, code = 'PERMANENT_FAILURE', options?: ErrorOptions) {
    super(message, code, options)
    this.name = 'PermanentFailure'
  }
}
