import { CursorExpired } from '#lib/cursor.ts'
import { Mailbox } from '#lib/mailbox.ts'
import type { Sql } from '#platform/database/sql.ts'
import { comparePositions, type JournalEntry, type Position, positionBefore } from './entry.ts'
import { journalCursor, parseJournalCursor } from './journal-cursor.ts'
import { readEnd, readHistory, readPruned } from './store.ts'
import type { JournalTail } from './tail.ts'

/** Which of an account's entries a stream or a page has. */
export interface JournalFilter {
  readonly accountId: string
  /** Exact types, or families such as `task.*`; all when absent. */
  readonly types?: readonly string[] | undefined
  /** Exact types that are left out, whatever `types` says. */
  readonly excludedTypes?: readonly string[] | undefined
  readonly subject?: string | undefined
}

/** What a journal stream yields; `cursor` is where a later stream goes on from. */
export type JournalItem<Passing> =
  | { readonly kind: 'entry'; readonly entry: JournalEntry; readonly cursor: string }
  /** The reader was too slow: entries after `cursor` were dropped, and can be had again from there. */
  | { readonly kind: 'lagged'; readonly skipped: number; readonly cursor: string }
  /** Something that is no history: newest wins, nothing is kept. */
  | { readonly kind: 'passing'; readonly value: Passing; readonly cursor: string }

export interface JournalStream<Passing> extends AsyncIterable<JournalItem<Passing>> {
  /** Where the stream begins; what is read from the database after this call is at least as new. */
  readonly cursor: string
  /** Lets the stream begin there if that is later: its reader knows all up to there. No effect once it is being read. */
  skipTo(position: Position): void
  /** Passes something on that is not history: an unread one of the same key is replaced. */
  pass(key: string, value: Passing): void
  close(): void
}

/** Entries that wait for one slow reader before they are dropped and reported as such. */
const defaultCapacity = 1_000
const pageSize = 500

type Live<Passing> = { readonly entry: JournalEntry } | { readonly passing: Passing }

/** The journal as its readers see it: pages of the past, and streams that go on from there. */
export class Journal {
  readonly #sql: Sql
  readonly #tail: JournalTail
  readonly #readers = new Map<string, Set<(entry: JournalEntry) => void>>()

  constructor(options: { sql: Sql; tail: JournalTail }) {
    this.#sql = options.sql
    this.#tail = options.tail
    this.#tail.listen((entry) => this.#route(entry))
  }

  /** How many streams are open. */
  get streams(): number {
    let count = 0
    for (const readers of this.#readers.values()) count += readers.size
    return count
  }

  /** How far behind its transaction the last entry was read, in milliseconds. */
  get lagMs(): number {
    return this.#tail.lagMs
  }

  /** The cursor of an entry for its own account. */
  cursorOf(entry: JournalEntry): string {
    return journalCursor(entry.accountId, entry)
  }

  /**
   * One page of an account's past, oldest first: up to whatever was committed when it is asked for, unless a transaction
   * that began earlier is still running.
   * @throws {InvalidCursor} when `after` is malformed or foreign. @throws {CursorExpired} when it is too old.
   */
  async page(filter: JournalFilter, after: string | undefined, first: number): Promise<JournalEntry[]> {
    const from = after === undefined ? beginning : await this.#resume(filter.accountId, after)
    return this.#history(filter, from, await readEnd(this.#sql), first)
  }

  /** Whether something that matches stands behind a cursor and was handed out to streams. @throws as {@link page} */
  async hasPassed(filter: JournalFilter, after: string): Promise<boolean> {
    const from = await this.#resume(filter.accountId, after)
    return (await this.#history(filter, from, this.#tail.position, 1)).length > 0
  }

  /** Whether something that matches was committed after a cursor. @throws {InvalidCursor} @throws {CursorExpired} */
  async hasAfter(filter: JournalFilter, after: string): Promise<boolean> {
    const from = await this.#resume(filter.accountId, after)
    return (await this.#history(filter, from, end, 1)).length > 0
  }

  /**
   * Opens a stream of what happens from now on, or after `after`: every entry once, in commit order. The past is read
   * from the database, the present from the tail. A reader that is slower than the present gets a `lagged` item.
   * @throws {InvalidCursor} @throws {CursorExpired}
   */
  async open<Passing = never>(
    filter: JournalFilter,
    options: { after?: string | undefined; capacity?: number } = {},
  ): Promise<JournalStream<Passing>> {
    const mailbox = new Mailbox<Live<Passing>>(options.capacity ?? defaultCapacity)
    const matches = entryMatcher(filter)
    const unregister = this.#register(filter, (entry) => {
      if (matches(entry)) mailbox.put({ entry })
    })
    try {
      const joined = this.#tail.position
      const from = options.after === undefined ? joined : await this.#resume(filter.accountId, options.after)
      const close = () => {
        unregister()
        mailbox.close()
      }
      let start = from
      const read = () => this.#read(filter, mailbox, start, joined)
      return {
        get cursor() {
          return journalCursor(filter.accountId, start)
        },
        skipTo(position) {
          if (comparePositions(position, start) > 0) start = position
        },
        pass: (key, value) => mailbox.putLatest(key, { passing: value }),
        close,
        async *[Symbol.asyncIterator]() {
          try {
            yield* read()
          } finally {
            close()
          }
        },
      }
    } catch (error) {
      unregister()
      throw error
    }
  }

  async *#read<Passing>(
    filter: JournalFilter,
    mailbox: Mailbox<Live<Passing>>,
    from: Position,
    joined: Position,
  ): AsyncGenerator<JournalItem<Passing>> {
    let position = from
    const cursor = () => journalCursor(filter.accountId, position)
    for await (const entry of this.#catchUp(filter, from, joined)) {
      position = entry
      yield { kind: 'entry', entry, cursor: cursor() }
    }
    for (;;) {
      const letter = await mailbox.take()
      if (letter === undefined) return
      if ('skipped' in letter) yield { kind: 'lagged', skipped: letter.skipped, cursor: cursor() }
      else if ('passing' in letter.item) yield { kind: 'passing', value: letter.item.passing, cursor: cursor() }
      else if (comparePositions(letter.item.entry, position) > 0) {
        position = letter.item.entry
        yield { kind: 'entry', entry: letter.item.entry, cursor: cursor() }
      }
    }
  }

  async *#catchUp(filter: JournalFilter, from: Position, upTo: Position): AsyncGenerator<JournalEntry> {
    for (let position = from; comparePositions(position, upTo) < 0; ) {
      const entries = await this.#history(filter, position, upTo, pageSize)
      yield* entries
      const last = entries.at(-1)
      if (last === undefined || entries.length < pageSize) return
      position = last
    }
  }

  async #history(filter: JournalFilter, after: Position, upTo: Position, limit: number): Promise<JournalEntry[]> {
    return readHistory(this.#sql, filter, after, upTo, limit)
  }

  /** @throws {CursorExpired} when entries after the cursor have been dropped. */
  async #resume(accountId: string, after: string): Promise<Position> {
    const position = parseJournalCursor(accountId, after)
    if (comparePositions(position, await readPruned(this.#sql)) < 0) throw new CursorExpired()
    return position
  }

  // Readers of one subject are found by it, so an entry costs nothing to those it does not concern.
  #register(filter: JournalFilter, reader: (entry: JournalEntry) => void): () => void {
    const key = filter.subject === undefined ? filter.accountId : `${filter.accountId} ${filter.subject}`
    const readers = this.#readers.get(key) ?? new Set()
    this.#readers.set(key, readers.add(reader))
    return () => {
      readers.delete(reader)
      if (readers.size === 0 && this.#readers.get(key) === readers) this.#readers.delete(key)
    }
  }

  #route(entry: JournalEntry): void {
    for (const key of [entry.accountId, `${entry.accountId} ${entry.subject}`])
      for (const reader of this.#readers.get(key) ?? []) reader(entry)
  }
}

const beginning: Position = { xid: 0n, seq: 0n }
const end = positionBefore(2n ** 63n)

/** Whether an entry's type is asked for; `task.*` stands for a whole family. */
function entryMatcher(filter: JournalFilter): (entry: { type: string; subject: string }) => boolean {
  const exact = new Set(filter.types?.filter((type) => !type.endsWith('.*')))
  const families = filter.types?.filter((type) => type.endsWith('.*')).map((type) => type.slice(0, -1)) ?? []
  const excluded = new Set(filter.excludedTypes)
  return (entry) => {
    if (filter.subject !== undefined && entry.subject !== filter.subject) return false
    if (excluded.has(entry.type)) return false
    if (filter.types === undefined) return true
    return exact.has(entry.type) || families.some((family) => entry.type.startsWith(family))
  }
}
