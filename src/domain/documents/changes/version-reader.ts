import DataLoader from 'dataloader'
import { LRUCache } from 'lru-cache'
import { type DocumentState, type FullName, versionId } from '#domain/documents/document.ts'
import { readVersions } from '#domain/documents/store/documents.ts'
import type { CompositeKey } from '#lib/composite-key.ts'
import type { Sql } from '#platform/database/sql.ts'

/** A version of a document. */
export type FullVersion = FullName & { readonly version: number }

/** Most bytes of documents that are kept for subscribers who will ask for them next. */
const keptBytes = 32 * 1024 * 1024
/** Counted for each document beside its data. */
const overheadBytes = 1_024
const readTogether = 100

/** Reads versions once for all subscribers of this process: a version never changes. */
export class VersionReader {
  readonly #kept = new LRUCache<CompositeKey, DocumentState>({
    maxSize: keptBytes,
    sizeCalculation: ({ sizeBytes }) => sizeBytes + overheadBytes,
  })
  readonly #loader: DataLoader<FullVersion, DocumentState | undefined, CompositeKey>

  constructor(sql: Sql) {
    const read = async (names: readonly FullVersion[]) => {
      const rows = new Map((await readVersions(sql, names)).map((row) => [versionId(row), row]))
      return names.map((name) => rows.get(versionId(name)))
    }
    this.#loader = new DataLoader(read, { maxBatchSize: readTogether, cacheKeyFn: versionId })
  }

  /** A version; undefined when it has expired. */
  async read(name: FullVersion): Promise<DocumentState | undefined> {
    const id = versionId(name)
    const kept = this.#kept.get(id)
    if (kept !== undefined) return kept
    try {
      const read = await this.#loader.load(name)
      if (read !== undefined) this.#kept.set(id, read)
      return read
    } finally {
      // What was read is kept above, where it is bounded.
      this.#loader.clear(name)
    }
  }

  /** Clears the cache: the versions of a collection that is created again start from 1. */
  forget(): void {
    this.#kept.clear()
    this.#loader.clearAll()
  }
}
