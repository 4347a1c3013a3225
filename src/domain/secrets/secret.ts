import type { Actor } from '#platform/journal/entry.ts'

/** What is known of a secret; its value is not part of it. */
export interface Secret {
  readonly accountId: string
  readonly id: string
  /** As task types list it. */
  readonly name: string
  readonly createdBy: Actor
  readonly createdAt: Date
  readonly updatedBy: Actor
  readonly updatedAt: Date
  /** To the minute; null: never since it was created. */
  readonly lastUsedAt: Date | null
}

/** An account can have at most so many. */
export const maxSecrets = 1_000
export const maxValueBytes = 32 * 1024
