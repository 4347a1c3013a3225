import type { Sql } from '#platform/database/sql.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { JournalEntry, Position } from './entry.ts'
import { readEnd, readNext } from './store.ts'

const pageSize = 1_000
const lookIntervalMs = 1_000
/** Hints that come closer together than this are one: the first is followed at once, so only a busy journal waits. */
const hintIntervalMs = 8
/** Between looks while a transaction that is still running holds the end of the journal back. */
const soonMs = 4
const longestSoonMs = 128
/** How much older than the last look an entry's time can be: longer than any transaction may run. */
const latestCommitMs = 24 * 60 * 60 * 1000

/**
 * Reads the journal once for this whole process, in commit order, and hands each entry to its listeners.
 * Hints make it look at once; it looks by itself once a second.
 */
export class JournalTail {
  readonly #sql: Sql
  readonly #log: Logger
  readonly #listeners = new Set<(entry: JournalEntry) => void>()
  #position: Position = { xid: 0n, seq: 0n }
  #lookedAt = new Date(0)
  #timer: NodeJS.Timeout | undefined
  #dueAt = 0
  #startedAt = 0
  #nextMs = lookIntervalMs
  #looking: Promise<void> | undefined
  #hinted = false
  #stopped = false
  #soonMs = soonMs
  #lagMs = 0

  constructor(options: { sql: Sql; log: Logger }) {
    this.#sql = options.sql
    this.#log = options.log
  }

  /** Everything up to here has been handed out. */
  get position(): Position {
    return this.#position
  }

  /** How long after its transaction began the last entry was handed out, in milliseconds. */
  get lagMs(): number {
    return this.#lagMs
  }

  /** Starts at the journal's present end. */
  async start(): Promise<void> {
    this.#lookedAt = new Date()
    this.#position = await readEnd(this.#sql)
    this.#schedule(lookIntervalMs)
  }

  /** Calls `listener` with every entry from now on. It must not throw, nor wait. */
  listen(listener: (entry: JournalEntry) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** There may be something new. */
  hint(): void {
    this.#hinted = true
    if (this.#looking === undefined) this.#follow()
  }

  /** Looks as soon as hints may be followed again. */
  #follow(): void {
    if (!this.#stopped) this.#schedule(Math.max(0, this.#startedAt + hintIntervalMs - performance.now()))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#looking
  }

  #schedule(delayMs: number): void {
    const at = performance.now() + delayMs
    if (this.#stopped || (this.#timer !== undefined && this.#dueAt <= at)) return
    clearTimeout(this.#timer)
    this.#dueAt = at
    if (delayMs === 0) this.#start()
    else this.#timer = setTimeout(() => this.#start(), delayMs)
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#looking !== undefined) return
    this.#startedAt = performance.now()
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined
      this.#schedule(this.#nextMs)
      if (this.#hinted) this.#follow()
    })
  }

  async #look(): Promise<void> {
    this.#nextMs = lookIntervalMs
    try {
      this.#nextMs = await this.#readAll()
    } catch (error) {
      this.#log.warn({ err: error }, 'the journal could not be read; trying again')
    }
  }

  /** Reads until nothing is left; returns after how long to look again. */
  async #readAll(): Promise<number> {
    for (;;) {
      this.#hinted = false
      const since = new Date(this.#lookedAt.getTime() - latestCommitMs)
      const lookedAt = new Date()
      const { entries, more } = await readNext(this.#sql, this.#position, since, pageSize)
      this.#lookedAt = lookedAt
      for (const entry of entries) this.#handOut(entry)
      if (more === 'soon') return this.#soon(entries.length > 0)
      this.#soonMs = soonMs
      if (more === 'no') return lookIntervalMs
    }
  }

  #soon(moved: boolean): number {
    this.#soonMs = moved ? soonMs : Math.min(this.#soonMs * 2, longestSoonMs)
    return this.#soonMs
  }

  #handOut(entry: JournalEntry): void {
    this.#position = entry
    this.#lagMs = Math.max(0, Date.now() - entry.at.getTime())
    for (const listener of this.#listeners) listener(entry)
  }
}
