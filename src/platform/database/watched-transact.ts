import { asTransact, type Transact } from './transaction.ts'

/** Transactions of which one can tell that they don't come about. */
export interface WatchedTransact {
  readonly transact: Transact
  /** For how long the database has been asked to write and has written nothing, in milliseconds; 0 when it writes. */
  stalledMs(): number
}

export function watchTransact(transact: Transact): WatchedTransact {
  let askedAt: number | undefined
  return {
    transact: asTransact(async (work) => {
      askedAt ??= performance.now()
      const result = await transact(work)
      askedAt = undefined
      return result
    }),
    stalledMs: () => (askedAt === undefined ? 0 : performance.now() - askedAt),
  }
}
