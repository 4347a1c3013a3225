import { AppError } from '#lib/errors.ts'
import { IdempotencyKeyReused } from '#platform/database/idempotency.ts'
import { type Dependency, failureMessage } from './dependencies.ts'

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
  constructor(
    id: string,
    status: string,
    message = `Task ${id} can't be retried while it is ${status}; only one that has failed or was cancelled can.`,
  ) {
    super(message)
    this.status = status
  }
}

/** Another task with its singleton key waits or runs. */
export class SingletonTaken extends TaskNotRetryable {
  constructor(id: string, status: string, cause: unknown) {
    super(id, status, `Task ${id} can't be retried while another task with its singleton key waits or runs.`)
    this.cause = cause
  }
}

/** The outcome of a task that it depends on keeps it from starting. */
export class DependencyNotMet extends TaskNotRetryable {
  constructor(id: string, status: string, because: Dependency) {
    super(id, status, `Task ${id} can't be retried yet: ${failureMessage(because)} Retry that one first.`)
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

/** The caller does not have the lease (any more): it ran out, or the attempt has ended. */
export class LeaseLost extends AppError {
  readonly code = 'LEASE_LOST'
  constructor(taskId: string, fence: number) {
    super(`There is no lease of task ${taskId} with fence ${fence} that belongs to this worker: the attempt has ended.`)
  }
}

export class WorkerNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(id: string) {
    super(`There is no worker ${id}.`)
  }
}

/** More requests of an account wait for tasks at this process than may. */
export class TooManyClaims extends AppError {
  readonly code = 'RATE_LIMITED'
  constructor(limit: number) {
    super(`${limit} requests of this account are waiting for tasks already: let one of them end first.`)
  }
}

export class NoApprovalPending extends AppError {
  readonly code = 'NO_APPROVAL_PENDING'
  constructor(id: string, reason: string) {
    super(`Task ${id} does not wait for this approval: ${reason}.`)
  }
}

export class SelfApprovalRefused extends AppError {
  readonly code = 'SELF_APPROVAL'
  constructor(id: string) {
    super(`You submitted task ${id}, and its type wants somebody else to decide.`)
  }
}

export class TooManySignals extends AppError {
  readonly code = 'TOO_MANY_SIGNALS'
  constructor(id: string, limit: number) {
    super(`Task ${id} has ${limit} signals that it has not waited for yet; it can keep no more.`)
  }
}
