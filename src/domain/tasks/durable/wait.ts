import type { TaskStatus } from '#domain/tasks/task.ts'
import { PermanentFailure } from '#domain/tasks/task-failure.ts'

/** Who did something, as a handler sees them. */
interface By {
  readonly kind: string
  readonly id: string
  readonly name: string
}

/** What `context.waitFor` can wait for; exactly one. */
export type WaitFor =
  /** A signal of this name, from `signalTask`; one that was sent before counts. */
  | { readonly event: string }
  /** Somebody's approval, of what the name says: `production`, say. */
  | { readonly approval: string }
  /** A time. The first attempt that waits for it decides which. */
  | { readonly until: Date }
  /** The end of another task of the account, by its id. */
  | { readonly task: string }

export interface WaitOptions {
  /** How long to wait at most, in milliseconds: 7 days by default, at most 366. */
  readonly timeoutMs?: number
}

/** A signal that a task has waited for. */
export interface ReceivedSignal {
  readonly value: unknown
  readonly by: By
  readonly at: Date
}

/** An approval that a task has waited for. */
export interface GivenApproval {
  readonly by: By
  readonly comment: string | null
  readonly at: Date
}

/** How a task that another one waited for has ended. */
export interface AwaitedTask {
  readonly id: string
  readonly status: Extract<TaskStatus, 'COMPLETED' | 'FAILED' | 'CANCELLED'>
  readonly result: unknown
  readonly error: { readonly code: string; readonly message: string } | null
}

/** What `context.waitFor` resolves with. */
export type WaitResult<What extends WaitFor> = What extends { readonly event: string }
  ? ReceivedSignal
  : What extends { readonly approval: string }
    ? GivenApproval
    : What extends { readonly task: string }
      ? AwaitedTask
      : undefined

/** Thrown by `context.waitFor` when what it waits for has not come in time; a handler may catch it. */
export class WaitTimedOut extends PermanentFailure {
  constructor(what: string) {
    super(`It waited for ${what}, which did not come in time.`, 'WAIT_TIMED_OUT')
  }
}

/** Thrown by `context.waitFor` when somebody refuses the approval; a handler may catch it. */
export class ApprovalRejected extends PermanentFailure {
  readonly by: By
  readonly comment: string | null
  constructor(name: string, by: By, comment: string | null) {
    super(`${by.name} rejected "${name}"${comment === null ? '.' : `: ${comment}`}`, 'APPROVAL_REJECTED')
    this.by = by
    this.comment = comment
  }
}
