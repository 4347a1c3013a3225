import type { Caller } from '#domain/access/service.ts'
import type { Fence } from '#domain/locks/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import { createBatcher } from '#lib/batcher.ts'
import { InvalidInput } from '#lib/errors.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import { createCollectionService } from './collection-service.ts'
import {
  type DocumentName,
  type DocumentState,
  type FullName,
  isThere,
  type LogRow,
  resourceOf,
  type VersionRow,
} from './document.ts'
import { DocumentNotFound } from './errors.ts'
import { pinEvent } from './events.ts'
import { checkKey, checkPath, isName } from './name.ts'
import { difference } from './patch.ts'
import { checkedFence, type DocumentRequest, isVersion, largestVersion, planAt, planWrite } from './request.ts'
import { findDocuments, findVersion, findVersionAt, pinVersion, readHistory, readLog } from './store/documents.ts'
import { readDue } from './store/retention.ts'
import { type Change, system, type Write } from './write.ts'
import { createDocumentWriter, type DocumentWriterDeps } from './writer.ts'

export interface DocumentServiceDeps extends DocumentWriterDeps {
  readonly sql: Sql
  readonly quotas: Pick<QuotaService, 'hold'>
}

/** Everything that can be done with documents; the only way in for callers. */
export type DocumentService = ReturnType<typeof createDocumentService>

/** Most writes in one `writeDocuments`. */
const writeLimit = 500
const expiredAtOnce = 200
/** Documents of up to 1 MiB that are read in one statement for callers who ask at the same time. */
const readTogether = 32
const expiry: Change = { kind: 'delete', reason: 'expired' }

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

export function createDocumentService({ sql, transact, quotas, locks, schemas }: DocumentServiceDeps) {
  const writer = createDocumentWriter({ transact, locks, schemas })
  const collections = createCollectionService({ sql, transact, schemas })

  /**
   * Does one write, guarded by a fence if one is given; returns the document's new state once it is committed.
   * @throws {InvalidInput} @throws {VersionConflict} @throws {VersionRequired} @throws {DocumentNotFound}
   * @throws {SchemaViolation} @throws {FenceLost} @throws {QuotaExceeded}
   */
  async function write(caller: Caller, request: DocumentRequest, fence?: Fence): Promise<DocumentState> {
    const planned = { ...planWrite(caller, request), fence: checkedFence(caller, fence) }
    return withinQuota(caller, [planned], () => writer.writeOne(planned))
  }

  /** As {@link write} puts a document; under a key once, however often it is asked for. @throws {IdempotencyKeyReused} and as that */
  async function put(
    caller: Caller,
    request: DocumentRequest & { readonly kind: 'put' },
    fence?: Fence,
    key?: string,
  ): Promise<DocumentState> {
    if (key === undefined) return write(caller, request, fence)
    const planned = { ...planWrite(caller, request), fence: checkedFence(caller, fence) }
    const asked = { ...request, ...(fence && { fence }) }
    const { accountId, principalId } = caller
    const keyed = { accountId, principalId, key, operation: 'putDocument', request: asked }
    return withinQuota(caller, [planned], () => writer.putOnce(planned, request.data, keyed))
  }

  /**
   * Does up to 500 writes, in their order and all of them, or none. @throws {WritesRefused} @throws {InvalidInput}
   * @throws {FenceLost} @throws {QuotaExceeded}
   */
  async function writeAll(
    caller: Caller,
    requests: readonly DocumentRequest[],
    fence?: Fence,
  ): Promise<DocumentState[]> {
    if (requests.length > writeLimit)
      throw new InvalidInput(`At most ${writeLimit} writes can be done together; there are ${requests.length}.`)
    const planned = requests.map((request, index) => planAt(caller, request, index))
    const held = checkedFence(caller, fence)
    return withinQuota(caller, planned, () => writer.writeAll(caller.accountId, planned, held))
  }

  /** Does what writes these, if the account has room for them. */
  async function withinQuota<Result>(
    { accountId }: Caller,
    writes: readonly Write[],
    work: () => Promise<Result>,
  ): Promise<Result> {
    const storedBytes = writes.reduce(
      (sum, { change }) => sum + (change.kind === 'put' ? change.value.sizeBytes : 0),
      0,
    )
    const release = await quotas.hold(accountId, { storedBytes })
    return work().finally(release)
  }

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
      throw new InvalidInput('Ask for a version, or for a time, but not for both.')
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

  /** Keeps a version whatever the collection's retention says, or no longer. @throws {DocumentNotFound} */
  async function pin(caller: Caller, name: DocumentName, version: number, pinned: boolean): Promise<VersionRow> {
    checkPath(name.collection)
    checkKey(name.key)
    caller.must('documents:write', resourceOf(name))
    if (!isVersion(version)) throw new DocumentNotFound(name, version)
    return transact(async (tx) => {
      const row = await pinVersion(tx, { ...name, accountId: caller.accountId }, version, pinned)
      if (row === undefined) throw new DocumentNotFound(name, version)
      tx.journal(pinEvent(caller.accountId, name, caller.by(), version, pinned))
      return row
    })
  }

  /** Deletes documents whose time has come; to be called a few times a second, by any number of processes. */
  async function expire(): Promise<void> {
    for (let due = await readDue(sql, expiredAtOnce); due.length > 0; due = await readDue(sql, expiredAtOnce)) {
      // A second process finds the document deleted already, and leaves it so.
      await writer.writeGroup(due.map((name) => ({ ...name, by: system, change: expiry, expectedVersion: undefined })))
      if (due.length < expiredAtOnce) return
    }
  }

  /** Whether the caller may see an entry of the journal; true for entries that are not about documents. */
  function mayHear(caller: Caller, { subject }: Pick<JournalEntry, 'subject'>): boolean {
    const [kind = ''] = subject.split(':', 1)
    const name = subject.slice(kind.length + 1)
    if (kind === 'document') return caller.can('documents:read', name)
    return kind !== 'collection' || (caller.can('documents:read') && collections.isVisible(caller, name))
  }

  return { expire, mayHear, write, put, writeAll, find, history, log, diff, pin, collections }
}

/** Whether the caller may see the document, should there be one. @throws {Forbidden} when they may see none at all. */
function isVisible(caller: Caller, name: DocumentName): boolean {
  if (caller.mustSomewhere('documents:read') !== undefined && !caller.can('documents:read', resourceOf(name)))
    return false
  return isName(name.collection, name.key)
}
