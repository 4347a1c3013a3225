import { setTimeout as sleep } from 'node:timers/promises'
import { type Backoff, backoffMs } from '#lib/backoff.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { WorkLoop } from '#platform/work/work-loop.ts'
import { beginning, beginningOf, comparePositions, historyOf, type JournalEntry, type Position } from './entry.ts'
import type { JournalHistories } from './histories.ts'
import { findOldestWriter, readWritersHorizon } from './horizon.ts'
import { readBounds, readEnd, readExisting, readLastBefore, readNext } from './store.ts'

const pageSize = 1_000
const lookIntervalMs = 1_000
/** Hints that come closer together than this are one: the first is followed at once, so only a busy journal waits. */
const hintIntervalMs = 8
/** Between looks while a transaction that is still running holds the end of the journal back. */
const soon: Backoff = { growth: 'exponential', delayMs: 4, maxDelayMs: 128 }
/** After so long it is looked whether what holds the journal back can write it at all. */
const heldMs = 100
/** How long entries may wait before an operator should know, and how often it is said again. */
const heldWarningMs = 10_000
const heldWarningIntervalMs = 60_000
/** Transactions that were handed out last, to be looked for after a failover: more than can run beside each other. */
const maxRecent = 2_048
/** How long a reader waits until it is known what a failover has lost. */
const verifyingMs = 5_000

/**
 * Reads the journal once for this whole process, in commit order, and hands each entry to its listeners.
 * Hints make it look at once; it looks by itself once a second.
 */
export class JournalTail {
  readonly #sql: Sql
  readonly #histories: JournalHistories
  readonly #log: Logger
  readonly #listeners = new Set<(entry: JournalEntry) => void>()
  readonly #cutListeners = new Set<(last: Position) => void>()
  #position: Position = beginning
  #horizon = 0n
  #mustVerify = false
  #history: number | undefined
  /** Ids of the last transactions that were handed out, in order. */
  #recent: bigint[] = []
  #heldSince: number | undefined
  #warnedAt: number | undefined
  readonly #loop: WorkLoop
  #startedAt = 0
  #isStopped = false
  /** Looks in a row that found nothing which could be handed out. */
  #looksInVain = 0
  #lagMs = 0

  constructor(options: { sql: Sql; histories: JournalHistories; log: Logger }) {
    this.#sql = options.sql
    this.#histories = options.histories
    this.#log = options.log
    this.#loop = new WorkLoop({
      name: 'the journal',
      work: () => this.#readAll(),
      intervalMs: lookIntervalMs,
      hintDelayMs: () => Math.max(0, this.#startedAt + hintIntervalMs - performance.now()),
      log: options.log,
    })
  }

  /** Everything up to here has been handed out. */
  get position(): Position {
    return this.#position
  }

  /** How long after its transaction began the last entry was handed out, in milliseconds. */
  get lagMs(): number {
    return this.#lagMs
  }

  /** For how long entries have been waiting that are committed but can't be handed out yet, in milliseconds; 0: none are. */
  get heldMs(): number {
    return this.#heldSince === undefined ? 0 : performance.now() - this.#heldSince
  }

  /** Up to here the order of the journal is known to be final, in addition to what the database itself says. */
  get horizon(): bigint {
    return this.#mustVerify ? 0n : this.#horizon
  }

  /** Starts at the journal's current end. */
  async start(): Promise<void> {
    this.#history = (await this.#histories.verify()).number
    this.#position = await readEnd(this.#sql)
    this.#loop.start()
  }

  /** The database may be another server now: it is looked whether its history is still the one that was read. */
  reconnected(): void {
    this.#mustVerify = true
    this.hint()
  }

  /** The number of the history for which it is known what was lost before it. */
  get history(): number | undefined {
    return this.#history
  }

  /** Waits, within a bound, until that is known for the history of this number. */
  async verified(history: number): Promise<void> {
    this.reconnected()
    const deadline = performance.now() + verifyingMs
    while (this.#history !== history && !this.#isStopped && performance.now() < deadline) await sleep(hintIntervalMs)
  }

  /**
   * Calls `listener` when the end of the history was lost that this process has read: `last` is the last entry that is
   * left of it. Entries of the next history follow.
   */
  onCut(listener: (last: Position) => void): () => void {
    this.#cutListeners.add(listener)
    return () => this.#cutListeners.delete(listener)
  }

  /** Calls `listener` with every entry from now on. It must not throw, nor wait. */
  listen(listener: (entry: JournalEntry) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** There may be something new. */
  hint(): void {
    this.#loop.hint()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#loop.stop()
  }

  /** Reads until nothing is left; returns after how long to look again. */
  async #readAll(): Promise<number> {
    this.#startedAt = performance.now()
    for (;;) {
      if (this.#mustVerify) await this.#verify()
      if (this.heldMs > heldMs) this.#horizon = await readWritersHorizon(this.#sql)
      const { entries, more } = await readNext(this.#sql, this.#position, this.#horizon, pageSize)
      if (entries.some((entry) => !this.#histories.isKnown(entry))) {
        this.#mustVerify = true
        continue
      }
      for (const entry of entries) this.#handOut(entry)
      if (more === 'soon') return this.#soon(entries.length > 0)
      this.#looksInVain = 0
      this.#release()
      if (more === 'no') return lookIntervalMs
    }
  }

  #soon(moved: boolean): number {
    if (moved) this.#release()
    this.#heldSince ??= performance.now()
    this.#looksInVain = moved ? 0 : this.#looksInVain + 1
    if (this.heldMs > heldWarningMs) void this.#warn()
    return backoffMs(soon, this.#looksInVain + 1)
  }

  /** Nothing waits any more, or what waited for longest doesn't. */
  #release(): void {
    if (this.#warnedAt !== undefined) this.#log.info('the journal is no longer held back')
    this.#heldSince = undefined
    this.#warnedAt = undefined
  }

  async #warn(): Promise<void> {
    const now = performance.now()
    if (this.#warnedAt !== undefined && now - this.#warnedAt < heldWarningIntervalMs) return
    this.#warnedAt = now
    const seconds = Math.round(this.heldMs / 1000)
    const transaction = await findOldestWriter(this.#sql).catch(() => undefined)
    this.#log.warn({ seconds, transaction }, 'an open transaction holds back streams, webhooks and the audit log')
  }

  async #verify(): Promise<void> {
    this.#mustVerify = false
    try {
      await this.#compare()
    } catch (error) {
      this.#mustVerify = true
      throw error
    }
  }

  /** Goes back to the last entry that is left, if the database no longer has all that was handed out. */
  async #compare(): Promise<void> {
    const { number, isReplaced } = await this.#histories.verify()
    const lost = isReplaced ? beginningOf(historyOf(this.#position)) : await this.#findLost()
    if (lost !== undefined) {
      const last = await readLastBefore(this.#sql, lost)
      const position = isReplaced ? last : await readLastBefore(this.#sql, behind(this.#position))
      this.#log.warn('the end of the journal was lost in a restore or failover; continuing with what is left')
      this.#horizon = 0n
      this.#recent = []
      this.#position = position
      for (const listener of this.#cutListeners) listener(last)
    }
    this.#history = number
  }

  /**
   * The first entry that was handed out and is lost. The last commits are lost in a failover, which need not have the
   * highest transaction ids.
   */
  async #findLost(): Promise<Position | undefined> {
    const { pruned, isReached } = await readBounds(this.#sql, this.#position)
    const recent = this.#recent.filter((xid) => xid > pruned.xid)
    const existing = recent.length === 0 ? undefined : await readExisting(this.#sql, recent)
    const xid = existing && recent.find((one) => !existing.has(one))
    if (xid === undefined)
      return isReached || comparePositions(this.#position, pruned) <= 0 ? undefined : this.#position
    const lost = { xid, seq: 0n }
    await this.#histories.noteLost(lost)
    return lost
  }

  #handOut(entry: JournalEntry): void {
    this.#position = entry
    if (this.#recent.at(-1) !== entry.xid) this.#remember(entry.xid)
    this.#lagMs = Math.max(0, Date.now() - entry.at.getTime())
    for (const listener of this.#listeners) listener(entry)
  }

  #remember(xid: bigint): void {
    if (this.#recent.push(xid) >= 2 * maxRecent) this.#recent = this.#recent.slice(-maxRecent)
  }
}

/** What comes next to a position. */
function behind({ xid, seq }: Position): Position {
  return { xid, seq: seq + 1n }
}
