import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { NewEntry } from '#platform/journal/entry.ts'
import { type CollectionRow, type CollectionRules, noRules, rulesOf } from './collection.ts'
import { type DocumentState, documentId, versionId } from './document.ts'
import { collectionEvent } from './events.ts'
import type { SchemaChecks } from './schemas/schema-checker.ts'
import { holdCollections, insertCollections } from './store/collections.ts'
import {
  insertDocuments,
  insertVersions,
  lockDocuments,
  readTime,
  readVersionData,
  updateDocuments,
  type VersionData,
} from './store/documents.ts'
import { decide, type Write } from './write.ts'

/** Another transaction has written the same document, or created it or its collection: this one has to start again. */
export class RetryTransaction extends Error {}

/** A group of writes: their documents are read once, the writes are decided in order, and the results written once. */
export class WriteBatch {
  readonly #collections: ReadonlyMap<CompositeKey, CollectionRow>
  readonly #earlier: ReadonlyMap<CompositeKey, VersionData>
  readonly #now: Date
  readonly #current: Map<CompositeKey, DocumentState>
  readonly #found: ReadonlySet<CompositeKey>
  readonly #changed = new Set<CompositeKey>()
  readonly #versions: DocumentState[] = []
  readonly #entries: NewEntry[] = []
  readonly #newCollections = new Map<CompositeKey, Write>()

  private constructor(read: {
    collections: readonly CollectionRow[]
    documents: readonly DocumentState[]
    earlier: readonly VersionData[]
    now: Date
  }) {
    this.#collections = new Map(read.collections.map((one) => [collectionId(one.accountId, one.path), one]))
    this.#earlier = new Map(read.earlier.map((one) => [versionId(one), one]))
    this.#now = read.now
    this.#current = new Map(read.documents.map((one) => [documentId(one), one]))
    this.#found = new Set(this.#current.keys())
  }

  /**
   * Locks and reads everything that the writes concern.
   * @throws {RetryTransaction} when the journal, which is read in the order of transaction ids, would hold versions in another order.
   */
  static async open(tx: Transaction, writes: readonly Write[], isLastTry: boolean): Promise<WriteBatch> {
    const restores = writes.flatMap((write) =>
      write.change.kind === 'restore' ? [{ ...write, version: write.change.version }] : [],
    )
    const paths = unique(writes, ({ accountId, collection }) => collectionId(accountId, collection))
    // In one go: each statement begins when the one before it has its locks, so the time is later than all of them.
    const [collections, { documents, isOvertaken }, earlier, now] = await Promise.all([
      holdCollections(
        tx,
        paths.map(({ accountId, collection: path }) => ({ accountId, path })),
      ),
      lockDocuments(tx, unique(writes, documentId)),
      restores.length === 0 ? [] : readVersionData(tx, unique(restores, versionId)),
      readTime(tx),
    ])
    if (isOvertaken && !isLastTry) throw new RetryTransaction()
    return new WriteBatch({ collections, documents, earlier, now })
  }

  /**
   * Decides a write, after those before it: the document that it makes, or the reason why it is refused. A bug that it
   * runs into fails this write alone.
   */
  async decide(write: Write, checks: SchemaChecks): Promise<DocumentState | Error> {
    const id = documentId(write)
    const { change } = write
    const earlier = change.kind === 'restore' ? this.#earlierOf({ ...write, version: change.version }) : undefined
    try {
      const rules = this.#rulesOf(write)
      const context = { current: this.#current.get(id), rules, earlier, now: this.#now }
      const { value, versions, entries } = decide(write, context)
      if (rules.schema !== undefined && value !== undefined) await checks.check(rules.schema, value)
      const last = versions.at(-1) as DocumentState
      this.#note(write, id, versions, entries)
      return last
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  #note(write: Write, id: CompositeKey, versions: readonly DocumentState[], entries: readonly NewEntry[]): void {
    const path = collectionId(write.accountId, write.collection)
    if (!this.#collections.has(path) && !this.#newCollections.has(path)) {
      this.#newCollections.set(path, write)
      this.#entries.push(collectionEvent('collection.created', write.accountId, write.by, { path: write.collection }))
    }
    this.#current.set(id, versions.at(-1) as DocumentState)
    this.#changed.add(id)
    this.#versions.push(...versions)
    this.#entries.push(...entries)
  }

  /** A version as the database has it, or as a write before this one has just made it. */
  #earlierOf(wanted: Write & { readonly version: number }) {
    const id = versionId(wanted)
    return this.#versions.find((one) => !one.deleted && versionId(one) === id) ?? this.#earlier.get(id)
  }

  #rulesOf({ accountId, collection }: Write): CollectionRules {
    const row = this.#collections.get(collectionId(accountId, collection))
    return row === undefined ? noRules : rulesOf(row)
  }

  /** Writes everything that was decided. @throws {RetryTransaction} */
  async save(tx: Transaction): Promise<void> {
    if (this.#versions.length === 0) return
    await this.#makeCollections(tx)
    const changed = [...this.#changed].map((id) => this.#current.get(id) as DocumentState)
    const fresh = changed.filter((one) => !this.#found.has(documentId(one))).sort(byName)
    const known = changed.filter((one) => this.#found.has(documentId(one)))
    if (known.length > 0) tx.beside(updateDocuments(tx, known))
    if (fresh.length > 0 && (await insertDocuments(tx, fresh)) < fresh.length) throw new RetryTransaction()
    const overwritten = this.#versions.filter((one) => this.#current.get(documentId(one))?.version !== one.version)
    if (overwritten.length > 0) tx.beside(insertVersions(tx, overwritten))
    for (const entry of this.#entries) tx.journal(entry)
  }

  async #makeCollections(tx: Transaction): Promise<void> {
    const made = [...this.#newCollections.values()].map(({ accountId, collection: path, by }) => ({
      accountId,
      path,
      by: by.actor,
    }))
    made.sort((a, b) => compare(a.accountId, b.accountId) || compare(a.path, b.path))
    if (made.length > 0 && (await insertCollections(tx, made)) < made.length) throw new RetryTransaction()
  }
}

function collectionId(accountId: string, path: string): CompositeKey {
  return compositeKey(accountId, path)
}

function unique<Item>(items: readonly Item[], idOf: (item: Item) => CompositeKey): Item[] {
  return [...new Map(items.map((item) => [idOf(item), item])).values()]
}

/** The order in which everybody makes documents, so that no two transactions wait for each other. */
function byName(a: DocumentState, b: DocumentState): number {
  return compare(a.accountId, b.accountId) || compare(a.collection, b.collection) || compare(a.key, b.key)
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
