import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import { CursorExpired } from '#lib/cursor.ts'
import { Mailbox } from '#lib/mailbox.ts'
import type { Sql } from '#platform/database/sql.ts'
import { beginning, comparePositions, endOfTime, historyOf, type JournalEntry, type Position } from './entry.ts'
import type { JournalHistories } from './histories.ts'
import { readWritersHorizon } from './horizon.ts'
import { journalCursor, parseJournalCursor } from './journal-cursor.ts'
import { readBounds, readEnd, readHistory, readPruned, readRecentTypes } from './store.ts'
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

/** What a journal stream yields; a later stream resumes after `cursor`. */
export type JournalItem<Passing> =
  | { readonly kind: 'entry'; readonly entry: JournalEntry; readonly cursor: string }
  /**
   * The reader was too slow: entries after `cursor` were dropped, and can be read again from there. `skipped` is undefined
   * when they were deleted with their day while the stream was still in the past: those can't be read again.
   */
  | { readonly kind: 'lagged'; readonly skipped: number | undefined; readonly cursor: string }
  /**
   * Something that is not history: newest wins, nothing is kept. Its cursor is where the journal stood when it was passed
   * on, so it is the same in all streams that have read up to there.
   */
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
const recentEntries = 10_000

type Live<Passing> =
  | { readonly entry: JournalEntry }
  | { readonly passing: Passing; readonly at: Position }
  /** What the journal had behind this position is lost. */
  | { readonly lostAfter: Position }

interface Reader {
  entry(entry: JournalEntry): void
  lost(after: Position): void
}

/** The journal as its readers see it: pages of the past, and streams that go on from there. */
export class Journal {
  readonly #sql: Sql
  readonly #tail: JournalTail
  readonly #histories: JournalHistories
  readonly #readers = new Map<CompositeKey, Set<Reader>>()
  readonly #sent = { entry: 0, lagged: 0, passing: 0 }
  /** Of entries and other positions that several streams share; each belongs to one account in nearly all cases. */
  readonly #cursors = new WeakMap<
    Position,
    { readonly accountId: string; readonly tag: string; readonly text: string }
  >()
  #skipped = 0

  constructor(options: { sql: Sql; tail: JournalTail; histories: JournalHistories }) {
    this.#sql = options.sql
    this.#tail = options.tail
    this.#histories = options.histories
    this.#tail.listen((entry) => this.#route(entry))
    this.#tail.onCut((last) => {
      for (const readers of this.#readers.values()) for (const reader of readers) reader.lost(last)
    })
  }

  /** How many streams are open. */
  get streams(): number {
    let count = 0
    for (const readers of this.#readers.values()) count += readers.size
    return count
  }

  /** How many items streams have yielded, by kind. */
  get streamItems(): Readonly<Record<JournalItem<unknown>['kind'], number>> {
    return this.#sent
  }

  /** How many entries were dropped for readers that were too slow. */
  get skippedStreamEntries(): number {
    return this.#skipped
  }

  /** How far behind its transaction the last entry was read, in milliseconds. */
  get lagMs(): number {
    return this.#tail.lagMs
  }

  /** For how long committed entries have been waiting that can't be handed out yet, in milliseconds; 0: none are. */
  get heldMs(): number {
    return this.#tail.heldMs
  }

  /** The cursor of an entry for its own account. */
  cursorOf(entry: JournalEntry): string {
    return this.#cursor(entry.accountId, entry)
  }

  #cursor(accountId: string, position: Position): string {
    const tag = this.#histories.tagOf(position)
    const known = this.#cursors.get(position)
    if (known?.accountId === accountId && known.tag === tag) return known.text
    const text = journalCursor(accountId, position, tag)
    this.#cursors.set(position, { accountId, tag, text })
    return text
  }

  /** Where the journal ends now, as far as its order is final. */
  end(): Promise<Position> {
    return readEnd(this.#sql, this.#tail.horizon)
  }

  /** Where it ends with everything that was committed before this call and follows no open transaction; reads all locks. */
  async endNow(): Promise<Position> {
    return readEnd(this.#sql, await readWritersHorizon(this.#sql))
  }

  /**
   * One page of an account's past, oldest first: up to whatever was committed when it is asked for, unless a transaction
   * that began earlier is still running.
   * @throws {InvalidCursor} when `after` is malformed or foreign. @throws {CursorExpired} when it is too old.
   */
  async page(filter: JournalFilter, after: string | undefined, first: number): Promise<JournalEntry[]> {
    const from = after === undefined ? beginning : await this.#resume(filter.accountId, after)
    return this.#history(filter, from, await this.end(), first)
  }

  /** Which types the account's newest 10,000 entries have, of those types and families that are asked for. */
  recentTypes(accountId: string, types: readonly string[]): Promise<string[]> {
    return readRecentTypes(this.#sql, accountId, types, recentEntries)
  }

  /** Whether something that matches stands behind a cursor and was handed out to streams. @throws as {@link page} */
  async hasPassed(filter: JournalFilter, after: string): Promise<boolean> {
    const from = await this.#resume(filter.accountId, after)
    return (await this.#history(filter, from, this.#tail.position, 1)).length > 0
  }

  /** Whether something that matches was committed after a cursor. @throws {InvalidCursor} @throws {CursorExpired} */
  async hasAfter(filter: JournalFilter, after: string): Promise<boolean> {
    const from = await this.#resume(filter.accountId, after)
    return (await this.#history(filter, from, endOfTime, 1)).length > 0
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
    const unregister = this.#register(filter, {
      entry(entry) {
        if (matches(entry)) mailbox.put({ entry })
      },
      lost: (after) => mailbox.put({ lostAfter: after }),
    })
    try {
      const joined = this.#tail.position
      const from = options.after === undefined ? joined : await this.#resume(filter.accountId, options.after)
      const close = () => {
        unregister()
        mailbox.close()
      }
      let start = from
      const read = () => this.#read(filter, mailbox, { from: start, joined, close })
      const cursor = () => this.#cursor(filter.accountId, start)
      return {
        get cursor() {
          return cursor()
        },
        skipTo(position) {
          if (comparePositions(position, start) > 0) start = position
        },
        pass: (key, value) => mailbox.putLatest(key, { passing: value, at: this.#tail.position }),
        close,
        [Symbol.asyncIterator]: read,
      }
    } catch (error) {
      unregister()
      throw error
    }
  }

  async *#read<Passing>(
    filter: JournalFilter,
    mailbox: Mailbox<Live<Passing>>,
    { from, joined, close }: { from: Position; joined: Position; close: () => void },
  ): AsyncGenerator<JournalItem<Passing>> {
    let position = from
    const cursor = () => this.#cursor(filter.accountId, position)
    try {
      for await (const item of this.#catchUp(filter, from, joined)) {
        if ('xid' in item) {
          position = item
          yield this.#counted({ kind: 'entry', entry: item, cursor: cursor() })
        } else {
          position = item.deletedUpTo
          yield this.#counted({ kind: 'lagged', skipped: undefined, cursor: cursor() })
        }
      }
      for (;;) {
        const letter = await mailbox.take()
        if (letter === undefined) return
        if ('skipped' in letter) yield this.#counted({ kind: 'lagged', skipped: letter.skipped, cursor: cursor() })
        else if ('passing' in letter.item) {
          // Entries come first, so all that was handed out before it was passed on has been read.
          const at = laterOf(position, letter.item.at)
          yield this.#counted({
            kind: 'passing',
            value: letter.item.passing,
            cursor: this.#cursor(filter.accountId, at),
          })
        } else if ('lostAfter' in letter.item) {
          if (comparePositions(position, letter.item.lostAfter) > 0) throw new CursorExpired('lost')
        } else if (comparePositions(letter.item.entry, position) > 0) {
          position = letter.item.entry
          yield this.#counted({ kind: 'entry', entry: letter.item.entry, cursor: cursor() })
        }
      }
    } finally {
      close()
    }
  }

  #counted<Item extends JournalItem<unknown>>(item: Item): Item {
    this.#sent[item.kind] += 1
    if (item.kind === 'lagged') this.#skipped += item.skipped ?? 0
    return item
  }

  /** The past, and where days of it were deleted that were still to be read. */
  async *#catchUp(
    filter: JournalFilter,
    from: Position,
    upTo: Position,
  ): AsyncGenerator<JournalEntry | { readonly deletedUpTo: Position }> {
    for (let position = from; comparePositions(position, upTo) < 0; ) {
      const entries = await this.#history(filter, position, upTo, pageSize)
      const pruned = await readPruned(this.#sql)
      if (comparePositions(position, pruned) < 0) {
        // Some of the page may have been read before they were deleted: it is read again without them.
        yield { deletedUpTo: pruned }
        position = pruned
        continue
      }
      yield* entries
      const last = entries.at(-1)
      if (last === undefined || entries.length < pageSize) return
      position = last
    }
  }

  async #history(filter: JournalFilter, after: Position, upTo: Position, limit: number): Promise<JournalEntry[]> {
    const entries = await readHistory(this.#sql, filter, after, upTo, limit)
    // Their cursors need the tag, and the tail may not have come so far yet.
    if (entries.some((entry) => !this.#histories.isKnown(entry))) await this.#histories.verify()
    return entries
  }

  /**
   * Where a cursor stands. @throws {CursorExpired} when entries after it were dropped, or when its history was cut before
   * it: then what it has seen is not what this database has.
   */
  async #resume(accountId: string, after: string): Promise<Position> {
    const { position, historyTag } = parseJournalCursor(accountId, after)
    const { pruned, isReached } = await this.#boundsOf(position)
    const distance = comparePositions(position, pruned)
    if (distance < 0) throw new CursorExpired()
    if (historyTag === undefined && isBetweenEntries(position)) return position
    if (!this.#histories.isKnown(position)) await this.#histories.verify()
    if (historyTag !== undefined && historyTag !== this.#histories.tagOf(position)) throw new CursorExpired('lost')
    if (distance > 0 && !isReached) throw new CursorExpired('lost')
    return position
  }

  /** What is left around a position, by a server of which it is known what a failover has lost. */
  async #boundsOf(position: Position): ReturnType<typeof readBounds> {
    const bounds = await readBounds(this.#sql, position)
    if (bounds.current === this.#tail.history) return bounds
    await this.#tail.verified(bounds.current)
    return readBounds(this.#sql, position)
  }

  // Readers of one subject are found by it, so an entry costs nothing to those it does not concern.
  #register(filter: JournalFilter, reader: Reader): () => void {
    const key = topicOf(filter.accountId, filter.subject)
    const readers = this.#readers.get(key) ?? new Set()
    this.#readers.set(key, readers.add(reader))
    return () => {
      readers.delete(reader)
      if (readers.size === 0 && this.#readers.get(key) === readers) this.#readers.delete(key)
    }
  }

  #route(entry: JournalEntry): void {
    for (const key of [topicOf(entry.accountId), topicOf(entry.accountId, entry.subject)])
      for (const reader of this.#readers.get(key) ?? []) reader.entry(entry)
  }
}

/** Whether it is a position as cursors had it before histories had numbers: behind a transaction rather than at an entry. */
function isBetweenEntries(position: Position): boolean {
  return historyOf(position) === 0 && position.seq === endOfTime.seq
}

function laterOf(one: Position, other: Position): Position {
  return comparePositions(other, one) > 0 ? other : one
}

/** What readers of an account's entries, or of those about one subject, are found by. */
function topicOf(accountId: string, subject?: string): CompositeKey {
  return subject === undefined ? compositeKey(accountId) : compositeKey(accountId, subject)
}

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
