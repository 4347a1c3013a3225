/** What a statement saw of others. */
export interface Seen {
  /** Every transaction with a lower id had ended, and was seen if it was committed. A number as text. */
  readonly horizon: string
}

/** The column of {@link Seen}. */
export const horizon = 'journal_horizon()::text AS horizon'
