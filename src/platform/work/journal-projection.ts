import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import { comparePositions, type Position } from '#platform/journal/entry.ts'
import { readEnd } from '#platform/journal/store.ts'
import type { JournalTail } from '#platform/journal/tail.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { WorkLoop } from './work-loop.ts'

/** Up to where a projection has read the journal: a table of one row, and the advisory lock for moving it. */
export class ProjectionCursor {
  readonly #table: string
  readonly #lockKey: number

  /** `table` is a literal of ours; `lockKey` belongs to this projection alone. */
  constructor(table: 'audit_cursor' | 'delivery_cursor', lockKey: number) {
    this.#table = table
    this.#lockKey = lockKey
  }

  async read(sql: Pick<Sql, 'query'>): Promise<Position> {
    const [row] = await sql.query<{ xid: string; seq: string }>(`SELECT xid, seq FROM ${this.#table}`)
    if (row === undefined) throw new Error(`The table ${this.#table} has lost its row.`)
    return { xid: BigInt(row.xid), seq: BigInt(row.seq) }
  }

  async move(sql: Sql, { xid, seq }: Position): Promise<void> {
    await sql.query(`UPDATE ${this.#table} SET xid = $1, seq = $2`, [xid, seq])
  }

  /** Whether this transaction is the one that moves the cursor; returns at once. */
  async tryLock(tx: Sql): Promise<boolean> {
    const [row] = await tx.query<{ locked: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS locked', [this.#lockKey])
    return row?.locked === true
  }

  /** Waits until this transaction is the one that may move the cursor, and change what the projection writes. */
  async lock(tx: Sql): Promise<void> {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [this.#lockKey])
  }
}

/** The part of the journal behind `after` and up to `upTo`, whose order is final. */
export interface JournalRange {
  readonly after: Position
  readonly upTo: Position
}

/** How far a batch came. */
interface Projected {
  /** The last entry that was projected; undefined when nothing in the range concerns this projection. */
  readonly last: Position | undefined
  /** More of the range is left. */
  readonly isMore: boolean
  /** The cursor may move at once where nothing was found, without waiting for `idleCursorMs`. */
  readonly isIdle?: boolean
}

/** One transaction's worth of a projection. */
export interface ProjectionBatch {
  /** Writes what follows from the range's first entries; called at most once. */
  project(tx: Transaction, range: JournalRange): Promise<Projected>
  /** It is committed. */
  committed?(): void
  /** It is rolled back; another batch may follow in a repetition of the transaction. */
  failed?(): void
}

export interface JournalProjectionOptions {
  /** What it writes, for the log and as the reason why that is not in the journal itself. */
  readonly name: string
  readonly transact: Transact
  /** Knows up to where the order of the journal is final. */
  readonly tail: Pick<JournalTail, 'horizon'>
  readonly cursor: ProjectionCursor
  readonly begin: () => ProjectionBatch
  /** The longest time between two looks at the journal, in milliseconds. */
  readonly intervalMs: number
  /** For how long a hint waits for others, in milliseconds; 0 by default. */
  readonly hintDelayMs?: number
  /** How long the cursor stays while the journal has nothing for it, in milliseconds: it doesn't change at each look. */
  readonly idleCursorMs: number
  readonly log: Logger
}

/**
 * Derives something from the journal, in its order and from each entry once: what is written and the cursor are one
 * commit. All processes offer themselves, and one at a time does it, for as long as its transaction lasts; so another
 * one goes on within `intervalMs` of a process's end.
 */
export class JournalProjection {
  readonly #options: JournalProjectionOptions
  readonly #loop: WorkLoop
  #isStopped = false
  #movedAt = 0

  constructor(options: JournalProjectionOptions) {
    this.#options = options
    const { name, intervalMs, hintDelayMs = 0, log } = options
    const work = () => this.#projectAll()
    this.#loop = new WorkLoop({ name, work, intervalMs, hintDelayMs: () => hintDelayMs, log })
  }

  start(): void {
    this.#loop.start()
  }

  /** The journal has grown. */
  hint(): void {
    this.#loop.hint()
  }

  /** Starts no further batch; resolves when the current one has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#loop.stop()
  }

  async #projectAll(): Promise<void> {
    while (!this.#isStopped && (await this.#projectNext()));
  }

  /** Projects a batch; returns whether there may be more. */
  async #projectNext(): Promise<boolean> {
    const { transact, begin, name } = this.#options
    const tries: ProjectionBatch[] = []
    try {
      const isMore = await transact.quiet(name)((tx) => {
        // A repetition has nothing of the run before, and may not even be the one that projects.
        tries.pop()?.failed?.()
        const batch = begin()
        tries.push(batch)
        return this.#project(tx, batch)
      })
      tries.at(-1)?.committed?.()
      return isMore
    } catch (error) {
      tries.at(-1)?.failed?.()
      throw error
    }
  }

  async #project(tx: Transaction, batch: ProjectionBatch): Promise<boolean> {
    const { cursor, tail, idleCursorMs } = this.#options
    // Until it writes, this transaction has no number, and so holds nobody back who reads the journal.
    if (!(await cursor.tryLock(tx))) return false
    const [after, upTo] = await Promise.all([cursor.read(tx), readEnd(tx, tail.horizon)])
    const { last, isMore, isIdle } = await batch.project(tx, { after, upTo })
    if (last !== undefined) this.#move(tx, isMore ? last : upTo)
    else if ((isIdle || performance.now() - this.#movedAt > idleCursorMs) && comparePositions(upTo, after) > 0)
      this.#move(tx, upTo)
    return isMore
  }

  #move(tx: Transaction, position: Position): void {
    this.#movedAt = performance.now()
    tx.beside(this.#options.cursor.move(tx, position))
  }
}
