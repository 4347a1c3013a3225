/** A tenant as the operator of the installation sees it. */
export interface Account {
  readonly id: string
  readonly name: string
  readonly createdAt: Date
  /** When it was suspended; null: it is active. */
  readonly suspendedAt: Date | null
  readonly suspensionReason: string | null
  /** When its deletion began; null: it is not being deleted. */
  readonly deletionAt: Date | null
  /** Whether it was created first: it has the installation's own log, and can't be suspended. */
  readonly isFirst: boolean
}
