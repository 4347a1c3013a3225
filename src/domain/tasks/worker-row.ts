/** What executes tasks. */
export interface WorkerRow {
  readonly id: number
  /** Null for a process of the server. */
  readonly accountId: string | null
  readonly principalId: string | null
  readonly name: string
  readonly version: string | null
  readonly slots: number
  /** How many attempts it has now. */
  readonly running: number
  /** Those that it claims; empty for a process of the server, which claims those of its configuration. */
  readonly types: readonly string[]
  readonly startedAt: Date
  readonly seenAt: Date
  readonly drainingAt: Date | null
  readonly drainedAt: Date | null
}
