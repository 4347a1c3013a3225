/** What a statement saw of others, as it comes from the database. */
export interface Seen {
  /** `xmin:xmax:running`, as {@link https://www.postgresql.org/docs/current/functions-info.html PostgreSQL} writes it. */
  readonly snapshot: string
  /** The journal's number of `xmin`: it may count from elsewhere than the cluster. */
  readonly horizon: string
}

/** The columns of {@link Seen}. */
export const seenColumns = 'pg_current_snapshot()::text AS snapshot, journal_horizon()::text AS horizon'

/** Which transactions a statement saw. */
export class Snapshot {
  readonly #first: bigint
  readonly #next: bigint
  readonly #running: ReadonlySet<bigint>

  constructor({ snapshot, horizon }: Seen) {
    const [xmin = '', xmax = '', running = ''] = snapshot.split(':')
    const shift = BigInt(horizon) - BigInt(xmin)
    this.#first = BigInt(horizon)
    this.#next = BigInt(xmax) + shift
    this.#running = new Set(running === '' ? [] : running.split(',').map((xid) => BigInt(xid) + shift))
  }

  /** Whether what a committed transaction has done was seen; its number is the journal's. */
  sees(xid: bigint): boolean {
    return xid < this.#first || (xid < this.#next && !this.#running.has(xid))
  }
}
