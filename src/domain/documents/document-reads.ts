import type { Caller } from '#domain/access/service.ts'
import { createBatcher } from '#lib/batcher.ts'
import { InvalidInput } from '#lib/errors.ts'
import type { Sql } from '#platform/database/sql.ts'
import {
  type DocumentName,
  type DocumentState,
  type FullName,
  isThere,
  type LogRow,
  resourceOf,
  type VersionRow,
} from './document.ts'
import { isName } from './name.ts'
import { difference } from './patch.ts'
import { isVersion, largestVersion } from './request.ts'
import { findDocuments, findVersion, findVersionAt, readHistory, readLog } from './store/documents.ts'

/** Documents of up to 1 MiB that are read in one statement for callers who ask at the same time. */
const readTogether = 32

/** Selects a version of a document; by default the current one. */
export interface WhichVersion {
  readonly version?: number | undefined
  /** The version that was current at this time. */
  readonly at?: Date | undefined
  /** Whether to return the last version of a deleted document. */
  readonly deleted?: boolean | undefined
}

/** Where in a collection's log something stands. */
export type LogPlace = Pick<LogRow, 'at' | 'key' | 'version'>

/** What callers read of single documents and their past; lists are the query service's. */
export function createDocumentReads({ sql }: { sql: Sql }) {
  const read = createBatcher<FullName, DocumentState | undefined>({
    maxSize: readTogether,
    run: (names) => findDocuments(sql, names),
  })

  /**
   * A document, or one of its versions; undefined when there is none, and when it is deleted: a deletion is only found
   * by its version. @throws {InvalidInput}
   */
  async function find(
    caller: Caller,
    name: DocumentName,
    which: WhichVersion = {},
  ): Promise<DocumentState | undefined> {
    if (which.version !== undefined && which.at !== undefined)
      throw new InvalidInput('Give either a version or a time, not both.')
    if (!isVisible(caller, name)) return undefined
    const full = { ...name, accountId: caller.accountId }
    if (which.version !== undefined) return isVersion(which.version) ? findVersion(sql, full, which.version) : undefined
    const found = which.at === undefined ? await read(full) : await findVersionAt(sql, full, which.at)
    return which.deleted === true || isThere(found, which.at ?? new Date()) ? found : undefined
  }

  /** Versions of a document, newest first, before one of them; empty when there is no such document. */
  async function history(
    caller: Caller,
    name: DocumentName,
    before: number | undefined,
    limit: number,
  ): Promise<VersionRow[]> {
    if (!isVisible(caller, name)) return []
    return readHistory(sql, { ...name, accountId: caller.accountId }, before ?? largestVersion, limit)
  }

  /**
   * The JSON Patch that makes one version of a document the other; undefined when one of them isn't there (any more).
   * A deletion holds null, and so does version 0.
   */
  async function diff(caller: Caller, name: DocumentName, from: number, to: number) {
    const dataOf = async (version: number) => (version === 0 ? { data: null } : find(caller, name, { version }))
    const [before, after] = await Promise.all([dataOf(from), dataOf(to)])
    return before && after && difference(before.data, after.data)
  }

  /** What was written to a collection, newest first, before a place; with whether the caller may know of each. */
  async function log(caller: Caller, collection: string, before: LogPlace | undefined, limit: number) {
    caller.must('documents:read')
    const rows = await readLog(sql, { accountId: caller.accountId, collection }, before, limit)
    const isReadable = ({ key }: LogRow) => caller.can('documents:read', resourceOf({ collection, key }))
    return rows.map((row) => ({ ...row, isReadable: isReadable(row) }))
  }

  return { find, history, diff, log }
}

/** Whether the caller may see the document, should there be one. @throws {Forbidden} when they may see none at all. */
function isVisible(caller: Caller, name: DocumentName): boolean {
  if (caller.mustSomewhere('documents:read') !== undefined && !caller.can('documents:read', resourceOf(name)))
    return false
  return isName(name.collection, name.key)
}
