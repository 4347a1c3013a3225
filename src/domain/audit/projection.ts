import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import { comparePositions, type JournalRecord, type Position } from '#platform/journal/entry.ts'
import { type RecordQuery, readEnd, readRecords, readWaitingRecords } from '#platform/journal/store.ts'
import type { JournalTail } from '#platform/journal/tail.ts'
import type { Seals } from '#platform/secrets/seals.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { startLoop, type WorkLoop } from '#platform/work/work-loop.ts'
import { continued, extendChains, sealChain } from './chain.ts'
import {
  type AuditChain,
  insertEntries,
  moveCursor,
  readChains,
  readCursor,
  saveChains,
  tryLockChains,
} from './store.ts'

/** Entries that are appended in one transaction: it is over within some hundredths of a second. */
const batchSize = 500
/** How long it looks by itself, in milliseconds. */
const lookIntervalMs = 1_000
/** Hints that come closer together than this are one. */
const hintIntervalMs = 100
/** How long the cursor stays where it is while there is nothing to append, so that it doesn't change each second. */
const idleCursorMs = 30_000
const nothingAppended = { appended: 0, isMore: false }
/** Waiting records that are counted, at most. */
const maxCounted = 10_000

export interface AuditProjectionDeps {
  readonly transact: Transact
  /** Knows up to where the order of the journal is final. */
  readonly tail: Pick<JournalTail, 'horizon'>
  readonly seals: Seals
  readonly log: Logger
  /** Which entries of the journal are in the log. */
  readonly query: RecordQuery
  /** Called with the number of entries of each batch that was appended. */
  readonly onAppended: (entries: number) => void
}

/**
 * Copies what somebody did from the journal into the chains of the audit log, in the journal's order and each entry once:
 * entries and cursor move in one transaction. All processes offer themselves, and one at a time does it, for as long as
 * its transaction lasts; so another one goes on at the latest a second after a process is gone.
 */
export class AuditProjection {
  readonly #deps: AuditProjectionDeps
  readonly #loop: WorkLoop
  #isStopped = false
  #movedAt = 0

  constructor(deps: AuditProjectionDeps) {
    this.#deps = deps
    this.#loop = startLoop({
      name: 'the audit log',
      work: () => this.#appendAll(),
      intervalMs: lookIntervalMs,
      hintDelayMs: () => hintIntervalMs,
      log: deps.log,
    })
  }

  /** The journal has grown. */
  hint(): void {
    this.#loop.hint()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#loop.stop()
  }

  async #appendAll(): Promise<void> {
    while (!this.#isStopped && (await this.#appendNext()));
  }

  /** Appends a batch; returns whether there may be more. */
  async #appendNext(): Promise<boolean> {
    const { transact, tail, seals, query, onAppended } = this.#deps
    const { appended, isMore } = await transact.quiet('the audit log, a copy of the journal')(async (tx) => {
      // Until it writes, this transaction has no number, and so holds nobody back who reads the journal.
      if (!(await tryLockChains(tx))) return nothingAppended
      const cursor = await readCursor(tx)
      const end = await readEnd(tx, tail.horizon)
      const records = await readRecords(tx, query, { after: cursor, upTo: end }, batchSize)
      const last = records.at(-1)
      if (last === undefined) {
        const isDue = performance.now() - this.#movedAt > idleCursorMs
        if (isDue && comparePositions(end, cursor) > 0) await this.#move(tx, end)
        return nothingAppended
      }
      const known = await this.#continuedChains(tx, records)
      const { entries, chains } = extendChains(known, records)
      const isMore = records.length === batchSize
      write(tx, insertEntries(tx, entries))
      write(
        tx,
        saveChains(
          tx,
          chains.map((chain) => sealChain(seals, chain)),
        ),
      )
      write(tx, this.#move(tx, isMore ? last : end))
      return { appended: entries.length, isMore }
    })
    if (appended > 0) onAppended(appended)
    return isMore
  }

  #move(tx: Transaction, position: Position): Promise<void> {
    this.#movedAt = performance.now()
    return moveCursor(tx, position)
  }

  /** The chains that these records continue; of one that somebody has tampered with the log says so. */
  async #continuedChains(tx: Transaction, records: readonly JournalRecord[]): Promise<AuditChain[]> {
    const { seals, log } = this.#deps
    const at = new Date()
    const accountIds = [...new Set(records.map(({ accountId }) => accountId))]
    const chains = new Map((await readChains(tx, accountIds)).map((chain) => [chain.accountId, chain]))
    return accountIds.map((accountId) => {
      const known = chains.get(accountId)
      const chain = continued(seals, accountId, known, at)
      if (chain !== known)
        log.error({ accountId, ...chain.broken }, 'the chain of an audit log was not as this installation had left it')
      return chain
    })
  }
}

/** The statements go out together, and the commit with them: the shorter it writes, the less it holds others back. */
function write(tx: Transaction, statement: Promise<void>): void {
  tx.beside(statement)
}

/** What is in the journal and not in the log yet. */
export interface AuditLag {
  /** Entries that wait, at most 10,000. */
  readonly waiting: number
  /** How old the oldest of them is by the database's clock, in milliseconds; 0 when none waits. */
  readonly ageMs: number
}

/** How far the log is behind the journal, by position: a clock that was wrong hides nothing. */
export async function readAuditLag(sql: Pick<Sql, 'query'>, query: RecordQuery): Promise<AuditLag> {
  const { count, ageMs } = await readWaitingRecords(sql, query, await readCursor(sql), maxCounted)
  return { waiting: count, ageMs }
}
