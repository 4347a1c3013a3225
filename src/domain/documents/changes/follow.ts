import type { Caller } from '#domain/access/service.ts'
import { type DocumentState, resourceOf } from '#domain/documents/document.ts'
import { FilterTooComplex } from '#domain/documents/errors.ts'
import type { CollectionEventData, DocumentEventData } from '#domain/documents/events.ts'
import { isExact } from '#domain/documents/query/path-pattern-sql.ts'
import type { Selection } from '#domain/documents/query/selection.ts'
import { endable } from '#lib/endable.ts'
import type { FilterEvaluator } from '#lib/filter/filter-evaluator.ts'
import type { LiveFilter } from '#lib/filter/live-filter.ts'
import { FilterTooCostly } from '#lib/filter/step-budget.ts'
import { matchesPattern, reachesBelow } from '#lib/path-pattern.ts'
import type { BoundedRead } from '#platform/database/bounded-read.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Journal, JournalStream } from '#platform/journal/journal.ts'
import { DocumentSnapshot } from './snapshot.ts'
import type { VersionReader } from './version-reader.ts'

export const documentChangeKinds = [
  'ENTER',
  'UPDATE',
  'LEAVE',
  'DELETE',
  'COLLECTION_DELETED',
  'CAUGHT_UP',
  'LAGGED',
] as const

/** One update that a subscriber receives about documents. */
export interface DocumentChange {
  readonly kind: (typeof documentChangeKinds)[number]
  /** Where a later stream goes on after this change; undefined while what is there is being told. */
  readonly cursor: string | undefined
  readonly at: Date
  readonly collection?: string | undefined
  readonly key?: string | undefined
  /** As the change has made it. */
  readonly document?: DocumentState | undefined
  /** Its previous state; undefined also when that version has expired. */
  readonly previous?: DocumentState | undefined
  /** LAGGED: how many changes were dropped. */
  readonly skipped?: number | undefined
}

export interface ChangesDeps {
  readonly journal: Journal
  readonly read: BoundedRead
  readonly versions: VersionReader
  readonly filters: FilterEvaluator
}

/** Which documents are followed. */
export interface Followed {
  readonly selection: Selection
  /** The selection's filter, as it is evaluated for each change. */
  readonly live: LiveFilter
}

const types = [
  'document.created',
  'document.updated',
  'document.deleted',
  'document.restored',
  'document.repaired',
  'collection.deleted',
] as const

/**
 * What matches now, unless the stream goes on after a cursor, then each change to what matches: once, in commit order.
 * A filter that takes too much for a change ends the stream, so that nothing is left out of it.
 * @throws {InvalidCursor} @throws {CursorExpired}; and, while it is read, {FilterTooComplex}
 */
export async function followDocuments(
  deps: ChangesDeps,
  caller: Caller,
  followed: Followed,
  after: string | undefined,
): Promise<AsyncGenerator<DocumentChange>> {
  const stream = await deps.journal.open<never>({ accountId: caller.accountId, types }, { after })
  const follower = new Follower(deps, caller, followed, stream)
  return endable(follower.tell(after === undefined), () => follower.close())
}

/** How long it takes to match a path, in steps of filters: at most the product of both lengths. */
function patternSteps(pattern: string, path: string): number {
  return Math.ceil((pattern.length * path.length) / 4)
}

/** One subscriber's way through what is there and what happens then. */
class Follower {
  readonly #deps: ChangesDeps
  readonly #caller: Caller
  readonly #selection: Selection
  readonly #live: LiveFilter
  #stream: JournalStream<never>
  #snapshot: DocumentSnapshot | undefined
  #isClosed = false

  constructor(deps: ChangesDeps, caller: Caller, { selection, live }: Followed, stream: JournalStream<never>) {
    this.#deps = deps
    this.#caller = caller
    this.#selection = selection
    this.#live = live
    this.#stream = stream
  }

  close(): void {
    this.#isClosed = true
    this.#stream.close()
  }

  async *tell(fromPresent: boolean): AsyncGenerator<DocumentChange> {
    try {
      if (fromPresent) yield* this.#tellPresent()
      for await (const item of this.#stream) {
        if (item.kind === 'lagged') yield { kind: 'LAGGED', at: new Date(), cursor: item.cursor, skipped: item.skipped }
        if (item.kind !== 'entry') continue
        const change = await this.#changeOf(item.entry, item.cursor)
        if (change !== undefined) yield change
      }
    } finally {
      this.#stream.close()
    }
  }

  /** The snapshot may take long to send: the stream is then reopened at the cursor where the snapshot began, so that nothing is dropped. */
  async *#tellPresent(): AsyncGenerator<DocumentChange> {
    const start = this.#stream.cursor
    this.#stream.close()
    this.#snapshot = new DocumentSnapshot(this.#deps.read, this.#selection)
    for await (const document of this.#snapshot.documents()) {
      if (this.#isClosed) return
      const { collection, key } = document
      yield { kind: 'ENTER', cursor: undefined, at: document.updatedAt, collection, key, document }
    }
    this.#stream = await this.#deps.journal.open<never>({ accountId: this.#caller.accountId, types }, { after: start })
    if (this.#isClosed) this.#stream.close()
    yield { kind: 'CAUGHT_UP', at: new Date(), cursor: this.#stream.cursor }
  }

  async #changeOf(entry: JournalEntry, cursor: string): Promise<DocumentChange | undefined> {
    if (entry.type === 'collection.deleted') return this.#deletedCollection(entry, cursor)
    const data = entry.data as unknown as DocumentEventData
    const { collection, key } = data
    if (!isExact(this.#selection.in)) await this.#deps.filters.pace(patternSteps(this.#selection.in, collection))
    if (!matchesPattern(this.#selection.in, collection)) return undefined
    if (!this.#caller.can('documents:read', resourceOf(data)) || this.#isTold(data, entry)) return undefined
    const [document, previous] = await Promise.all([
      this.#version(data, data.version),
      data.previousVersion === 0 ? undefined : this.#version(data, data.previousVersion),
    ])
    // The version has expired, so there is a later one, which a later entry announces.
    if (document === undefined) return undefined
    const kind = await this.#kindOf(document, previous, data.previousVersion > 0 && previous === undefined)
    return kind && { kind, cursor, at: entry.at, collection, key, document, previous }
  }

  #isTold(name: DocumentEventData, { xid }: JournalEntry): boolean {
    if (this.#snapshot === undefined) return false
    if (this.#snapshot.includes(name, xid)) return true
    if (this.#snapshot.isBehind(xid)) this.#snapshot = undefined
    return false
  }

  #version({ collection, key }: DocumentEventData, version: number) {
    return this.#deps.versions.read({ accountId: this.#caller.accountId, collection, key, version })
  }

  async #kindOf(document: DocumentState, previous: DocumentState | undefined, isUnknown: boolean) {
    const isIn = !document.deleted && (await this.#matches(document))
    const wasIn = previous !== undefined && !previous.deleted && (await this.#matches(previous))
    if (isIn) return wasIn ? 'UPDATE' : 'ENTER'
    if (!wasIn && !isUnknown) return undefined
    return document.deleted ? 'DELETE' : 'LEAVE'
  }

  /** @throws {FilterTooComplex} */
  async #matches(version: DocumentState): Promise<boolean> {
    const { createdBy, updatedBy, ...document } = version
    const facts = { ...document, createdBy: createdBy.id, updatedBy: updatedBy.id }
    try {
      return await this.#deps.filters.holds(this.#live, version, facts)
    } catch (error) {
      throw error instanceof FilterTooCostly ? new FilterTooComplex(version) : error
    }
  }

  #deletedCollection(entry: JournalEntry, cursor: string): DocumentChange | undefined {
    const { path: collection } = entry.data as unknown as CollectionEventData
    const { reach } = this.#selection
    const isVisible = reach === undefined || reach.some((pattern) => reachesBelow(pattern, collection))
    if (!isVisible || !matchesPattern(this.#selection.in, collection)) return undefined
    return { kind: 'COLLECTION_DELETED', cursor, at: entry.at, collection }
  }
}
