import { AppError } from '#lib/errors.ts'
import { IdempotencyKeyReused } from '#platform/database/idempotency.ts'

export class TaskNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(id: string) {
    super(`There is no task ${id}.`)
  }
}

export class TaskPartNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(taskId: string, name: string) {
    super(`Task ${taskId} has no part "${name}".`)
  }
}

export class TaskAlreadyEnded extends AppError {
  readonly code = 'TASK_ALREADY_ENDED'
  readonly status: string
  constructor(id: string, status: string) {
    super(`Task ${id} has already ended: ${status}.`)
    this.status = status
  }
}

/** Only a task that has failed or was cancelled can be tried again. */
export class TaskNotRetryable extends AppError {
  readonly code = 'TASK_NOT_RETRYABLE'
  readonly status: string
  constructor(id: string, status: string) {
    super(`Task ${id} can't be retried while it is ${status}; only one that has failed or was cancelled can.`)
    this.status = status
  }
}

export class UnknownTaskType extends AppError {
  readonly code = 'UNKNOWN_TASK_TYPE'
  readonly knownTypes: readonly string[]
  constructor(type: string, knownTypes: readonly string[]) {
    super(`There is no task type "${type}". Known types: ${knownTypes.join(', ')}.`)
    this.knownTypes = knownTypes
  }
}

/** The key belongs to a task that was submitted with another request. */
export class TaskKeyReused extends IdempotencyKeyReused {
  readonly taskId: string
  constructor(key: string, taskId: string) {
    super(key, `task ${taskId}, a request`)
    this.taskId = taskId
  }
}
