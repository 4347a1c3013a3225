/** How much an account may have of something. */
export const quotaNames = ['waitingTasks', 'runningTasks', 'storedBytes', 'applicationTokens', 'webhooks'] as const
export type QuotaName = (typeof quotaNames)[number]

/** What accounts may have unless their own row says otherwise; 0 means no limit. */
export type Quotas = Readonly<Record<QuotaName, number>>

/** By how much something that is about to be done adds to what is used. */
export type Amounts = Readonly<Partial<Record<QuotaName, number>>>

/** How one quota stands. */
export interface QuotaState {
  readonly name: QuotaName
  /** Undefined: none. */
  readonly limit: number | undefined
  readonly used: number
}
