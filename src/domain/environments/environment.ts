import type { Lock, Waiter } from '#domain/locks/service.ts'
import type { Actor } from '#platform/journal/entry.ts'

export const environmentCategories = ['DEV', 'TEST', 'SNAPSHOT', 'RELEASE'] as const
/** What an environment is for. */
export type EnvironmentCategory = (typeof environmentCategories)[number]

/** What people decide about an environment. */
export interface EnvironmentFields {
  readonly name: string
  readonly description: string
  readonly category: EnvironmentCategory
  /** Whose it is, such as `acme/shop`; empty: nobody's in particular. */
  readonly repository: string
  /** The username of its Salesforce org. */
  readonly orgUsername: string | null
  readonly devHubUsername: string | null
  /** Whether it can be acquired. */
  readonly isActive: boolean
  readonly isDefault: boolean
  readonly branch: string | null
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  /** Its place among others, for people. */
  readonly position: number | null
  /** When it can no longer be used. */
  readonly expiresAt: Date | null
}

export const assignmentTypes = ['PR', 'ISSUE', 'USER', 'CUSTOM'] as const
export type AssignmentType = (typeof assignmentTypes)[number]

/** What an environment is set aside for. It lasts as long as the lock that was taken for it. */
export interface Assignment {
  readonly type: AssignmentType
  readonly id: string
  readonly by: Actor
  readonly at: string
  /** Null: until it is released. */
  readonly expiresAt: string | null
  readonly fence: number
  readonly branch: string | null
  readonly domains: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface EnvironmentRow extends EnvironmentFields {
  readonly accountId: string
  readonly id: string
  readonly assignment: Assignment | null
  readonly createdBy: Actor
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** An environment with who holds it. */
export interface Environment extends EnvironmentRow {
  /** Undefined: it is free. */
  readonly lock: Lock | undefined
}

export type { Waiter }

/** The name of an environment’s lock, which the caller that uses it holds. */
export function lockNameOf(id: string): string {
  return `${lockPrefix}${id}`
}

const lockPrefix = 'environment/'

/** The environment that a lock is for; undefined: for none. */
export function environmentOfLock(name: string): string | undefined {
  return name.startsWith(lockPrefix) ? name.slice(lockPrefix.length) : undefined
}

/** Whether an assignment lasts. */
export function isAssigned({ assignment, lock }: Environment): boolean {
  return assignment !== null && lock?.fence === assignment.fence
}
