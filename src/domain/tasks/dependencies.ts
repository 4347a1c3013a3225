import type { Transition } from './state-machine.ts'
import type { TaskStatus } from './task.ts'

/**
 * The order of tasks. A task with dependencies starts when all of them have ended. It can only name tasks that exist when
 * it is submitted, and what it depends on never changes, so each dependency is older than its dependent and no cycle can
 * form. A task that would wait for one of its own ancestors, or for a task that waits for one, is refused.
 */

export const dependencyFailures = ['FAIL', 'SKIP', 'RUN'] as const
/** What happens to a task when one that it depends on fails or is cancelled. */
export type DependencyFailure = (typeof dependencyFailures)[number]

/** A dependency as it is submitted. */
export interface DependencyRequest {
  readonly taskId: string
  readonly onFailure: DependencyFailure
}

/** How a new task is tied to others. */
export interface TaskLinks {
  readonly dependsOn: readonly DependencyRequest[]
  readonly parentId: string | undefined
  /** Whether the caller may depend on tasks of a type; others are not there for them. */
  readonly mayDependOn: (type: string) => boolean
  readonly mayBeParent: (type: string) => boolean
}

/** A dependency, and how the other task ended; null until it has. */
export interface Dependency {
  readonly dependsOnId: string
  readonly onFailure: DependencyFailure
  readonly status: TaskStatus | null
}

export const dependencyLimits = {
  /** Dependencies of one task. */
  dependencies: 100,
  /** Tasks that depend on the same one: they are released in the transaction that ends it. */
  dependents: 5_000,
  /** Length of a chain of tasks that wait for each other: one failure ends it in one transaction. */
  depth: 100,
  /** Children of one task. */
  children: 10_000,
  /** Levels of tasks below each other. */
  generations: 20,
} as const

/** Stable code of the error of a task that failed because one that it depends on did. */
const dependencyFailed = 'DEPENDENCY_FAILED'

/** What follows for a task from how the tasks ended that it depends on. */
export type DependencyOutcome =
  | { readonly kind: 'wait' }
  | { readonly kind: 'start' }
  | { readonly kind: 'fail' | 'skip'; readonly because: Dependency }

/** A failure takes effect at once, whatever else the task depends on; FAIL goes before SKIP. */
export function outcomeOf(dependencies: readonly Dependency[]): DependencyOutcome {
  const failures = dependencies.filter(({ status }) => status === 'FAILED' || status === 'CANCELLED')
  const fail = failures.find(({ onFailure }) => onFailure === 'FAIL')
  if (fail !== undefined) return { kind: 'fail', because: fail }
  const skip = failures.find(({ onFailure }) => onFailure === 'SKIP')
  if (skip !== undefined) return { kind: 'skip', because: skip }
  return { kind: dependencies.some(({ status }) => status === null) ? 'wait' : 'start' }
}

/** Where an outcome leads a task that waits for others; undefined while it goes on waiting. */
export function dependenciesEnded(
  outcome: DependencyOutcome,
  isDueLater: boolean,
): (Transition & { readonly reason?: string }) | undefined {
  if (outcome.kind === 'wait') return undefined
  if (outcome.kind === 'start') return { status: isDueLater ? 'SCHEDULED' : 'PENDING', event: 'task.ready' }
  const message = failureMessage(outcome.because)
  if (outcome.kind === 'skip') return { status: 'CANCELLED', event: 'task.cancelled', reason: `Skipped: ${message}` }
  const error = { code: dependencyFailed, message, retryable: false }
  return { status: 'FAILED', event: 'task.failed', error }
}

/** A sentence about a dependency that did not complete. */
export function failureMessage({ dependsOnId, status }: Dependency): string {
  const fate = status === 'CANCELLED' ? 'was cancelled' : 'failed'
  return `task ${dependsOnId}, which it depends on, ${fate}.`
}
