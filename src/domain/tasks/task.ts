import type { RetryPolicy } from './retry-plan.ts'

export const priorities = ['CRITICAL', 'NORMAL', 'BATCH'] as const
/** In which queue a task waits. */
export type Priority = (typeof priorities)[number]

export const taskStatuses = ['SCHEDULED', 'PENDING', 'ACTIVE', 'COMPLETED', 'FAILED', 'CANCELLED'] as const
export type TaskStatus = (typeof taskStatuses)[number]

/** Why an attempt, and so perhaps its task, has failed. */
export interface TaskError {
  /** Stable: `HANDLER_FAILED`, `TIMEOUT`, `EXITED`, `WORKER_LOST`, `INVALID_INPUT`, `UNKNOWN_TASK_TYPE`, or one of the task type's own. */
  readonly code: string
  readonly message: string
  readonly stack?: string
  /** Whether trying again could help. */
  readonly retryable: boolean
}

/** One execution of a task, as the worker that holds it sees it. */
export interface Attempt {
  readonly accountId: string
  readonly taskId: string
  readonly type: string
  readonly priority: Priority
  readonly input: unknown
  readonly labels: Readonly<Record<string, string>>
  /** 1 for the first. */
  readonly number: number
  /** Grows with each claim of the task; what carries an older one is refused. */
  readonly fence: number
  /** Who holds it. After a failover that lost a claim, the next claim of another worker may have the same fence. */
  readonly workerId: number
  readonly timeoutMs: number
  /** How long the attempt may go without a sign of life. */
  readonly lockMs: number
  readonly retry: RetryPolicy
  /** The queue's job behind this attempt. */
  readonly startedAt: Date
}

/** How an attempt ended. */
export type Outcome =
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: TaskError }
  /** It stopped because it was asked to. */
  | { readonly kind: 'stopped' }

const ended: ReadonlySet<TaskStatus> = new Set(['COMPLETED', 'FAILED', 'CANCELLED'])

/** Whether nothing more happens to a task in this status, unless somebody retries it. */
export function hasEnded(status: TaskStatus): boolean {
  return ended.has(status)
}
