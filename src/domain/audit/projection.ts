import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Position } from '#platform/journal/entry.ts'
import { findRecordTime, type RecordQuery, readEnd, readRecords } from '#platform/journal/store.ts'
import type { Seals } from '#platform/secrets/seals.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { extendChains, sealChain } from './chain.ts'
import {
  type AuditCursor,
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
/** How much older than what was looked at an entry's time can be: longer than any transaction may run. */
const latestCommitMs = 24 * 60 * 60 * 1000
/** How old a cursor may become while there is nothing to append, so that it doesn't change each second. */
const idleCursorMs = 30_000

export interface AuditProjectionDeps {
  readonly transact: Transact
  readonly seals: Seals
  readonly log: Logger
  /** Which entries of the journal are in the log. */
  readonly query: RecordQuery
}

/**
 * Copies what somebody did from the journal into the chains of the audit log, in the journal's order and each entry once:
 * entries and cursor move in one transaction. All processes offer themselves, and one at a time does it, for as long as
 * its transaction lasts; so another one goes on at the latest a second after a process is gone.
 */
export class AuditProjection {
  readonly #deps: AuditProjectionDeps
  #timer: NodeJS.Timeout | undefined
  #dueAt = Number.POSITIVE_INFINITY
  #running: Promise<void> | undefined
  #stopped = false

  constructor(deps: AuditProjectionDeps) {
    this.#deps = deps
    this.#schedule(lookIntervalMs)
  }

  /** The journal has grown. */
  hint(): void {
    if (this.#running === undefined) this.#schedule(hintIntervalMs)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #schedule(delayMs: number): void {
    const at = performance.now() + delayMs
    if (this.#stopped || this.#dueAt <= at) return
    clearTimeout(this.#timer)
    this.#dueAt = at
    this.#timer = setTimeout(() => this.#start(), delayMs)
  }

  #start(): void {
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#running = this.#appendAll().finally(() => {
      this.#running = undefined
      this.#schedule(lookIntervalMs)
    })
  }

  async #appendAll(): Promise<void> {
    try {
      while (!this.#stopped && (await this.#appendNext()));
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'the audit log could not be written; trying again')
    }
  }

  /** Appends a batch; returns whether there may be more. */
  async #appendNext(): Promise<boolean> {
    const { transact, seals, query } = this.#deps
    return transact(async (tx) => {
      // Until it writes, this transaction has no number, and so holds nobody back who reads the journal.
      if (!(await tryLockChains(tx))) return false
      const cursor = await readCursor(tx)
      const lookedAt = new Date()
      const end = await readEnd(tx)
      const records = await readRecords(tx, query, { after: cursor, upTo: end, since: sinceOf(cursor) }, batchSize)
      const last = records.at(-1)
      if (last === undefined) {
        if (lookedAt.getTime() - cursor.at.getTime() > idleCursorMs) await moveCursor(tx, { ...end, at: lookedAt })
        return false
      }
      const known = await readChains(tx, [...new Set(records.map(({ accountId }) => accountId))])
      const { entries, chains } = extendChains(known, records)
      const isMore = records.length === batchSize
      const next = isMore ? last : { ...end, at: lookedAt }
      write(tx, insertEntries(tx, entries))
      write(
        tx,
        saveChains(
          tx,
          chains.map((chain) => sealChain(seals, chain)),
        ),
      )
      write(tx, moveCursor(tx, next))
      return isMore
    })
  }
}

/** The statements go out together, and the commit with them: the shorter it writes, the less it holds others back. */
function write(tx: Transaction, statement: Promise<void>): void {
  tx.beside(statement)
}

function sinceOf({ at }: AuditCursor): Date {
  return new Date(at.getTime() - latestCommitMs)
}

/** For how long what waits longest has been waiting to be appended, in milliseconds; 0 when nothing waits. */
export async function readAuditLag(sql: Pick<Sql, 'query'>, query: RecordQuery): Promise<number> {
  const cursor: AuditCursor & Position = await readCursor(sql)
  const oldest = await findRecordTime(sql, query, cursor, sinceOf(cursor))
  return oldest === undefined ? 0 : Math.max(0, Date.now() - oldest.getTime())
}
