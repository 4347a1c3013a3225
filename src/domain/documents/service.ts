import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import { InvalidInput } from '#lib/errors.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import { createCollectionService } from './collection-service.ts'
import { type DocumentName, type DocumentState, isThere, resourceOf } from './document.ts'
import { DocumentNotFound } from './errors.ts'
import { pinEvent } from './events.ts'
import { checkKey, checkPath, isName } from './name.ts'
import { type ApplyPatch, difference, jsonPatchOf, mergePatch } from './patch.ts'
import {
  findDocument,
  findVersion,
  findVersionAt,
  type LogRow,
  pinVersion,
  readHistory,
  readLog,
  type VersionRow,
} from './store/documents.ts'
import { readDue } from './store/retention.ts'
import { checkValue } from './value.ts'
import { type Change, system, type Write } from './write.ts'
import { createDocumentWriter } from './writer.ts'

export interface DocumentServiceDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly quotas: Pick<QuotaService, 'hold'>
}

/** Everything that can be done with documents; the only way in for callers. */
export type DocumentService = ReturnType<typeof createDocumentService>

/** Most writes in one `writeDocuments`. */
const writeLimit = 500
const expiredAtOnce = 200
const expiry: Change = { kind: 'delete', reason: 'expired' }
const longestTtlMs = 10 * 365 * 24 * 60 * 60 * 1000
const largestInt = 2 ** 31 - 1

/** What is asked of a document, as it comes in. */
export type DocumentRequest = DocumentName & { readonly expectedVersion?: number | undefined } & (
    | { readonly kind: 'put'; readonly data: unknown; readonly ttlMs?: number | undefined }
    | {
        readonly kind: 'patch'
        readonly mergePatch?: unknown
        readonly jsonPatch?: unknown
        readonly ttlMs?: number | undefined
      }
    | { readonly kind: 'delete' }
    | { readonly kind: 'restore'; readonly version: number }
  )

/** Which of a document's versions is asked for; the present one when nothing is given. */
export interface WhichVersion {
  readonly version?: number | undefined
  /** As it was then. */
  readonly at?: Date | undefined
  /** Also the present one of a document that is deleted. */
  readonly deleted?: boolean | undefined
}

/** Where in a collection's log something stands. */
export type LogPlace = Pick<LogRow, 'at' | 'key' | 'version'>

export function createDocumentService({ sql, transact, quotas }: DocumentServiceDeps) {
  const writer = createDocumentWriter({ transact })
  const collections = createCollectionService({ sql, transact })

  /**
   * Does one write; returns, once it is committed, what it has made of the document.
   * @throws {InvalidInput} @throws {VersionConflict} @throws {VersionRequired} @throws {DocumentNotFound}
   * @throws {SchemaViolation} @throws {QuotaExceeded}
   */
  async function write(caller: Caller, request: DocumentRequest): Promise<DocumentState> {
    const planned = planWrite(caller, request)
    return withinQuota(caller, [planned], () => writer.writeOne(planned))
  }

  /** Does up to 500 writes, in their order and all of them, or none. @throws {WritesRefused} @throws {InvalidInput} @throws {QuotaExceeded} */
  async function writeAll(caller: Caller, requests: readonly DocumentRequest[]): Promise<DocumentState[]> {
    if (requests.length > writeLimit)
      throw new InvalidInput(`At most ${writeLimit} writes can be done together; there are ${requests.length}.`)
    const planned = requests.map((request, index) => planAt(caller, request, index))
    return withinQuota(caller, planned, () => writer.writeAll(planned))
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
    const found = which.at === undefined ? await findDocument(sql, full) : await findVersionAt(sql, full, which.at)
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
    return readHistory(sql, { ...name, accountId: caller.accountId }, before ?? largestInt, limit)
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
      // Whoever comes second finds it deleted, and leaves it so.
      await writer.writeGroup(due.map((name) => ({ ...name, by: system, change: expiry, expectedVersion: undefined })))
      if (due.length < expiredAtOnce) return
    }
  }

  /** Whether the caller may be told of an entry of the journal; yes for those that are not about documents. */
  function mayHear(caller: Caller, { subject }: Pick<JournalEntry, 'subject'>): boolean {
    const [kind = ''] = subject.split(':', 1)
    const name = subject.slice(kind.length + 1)
    if (kind === 'document') return caller.can('documents:read', name)
    return kind !== 'collection' || (caller.can('documents:read') && collections.isVisible(caller, name))
  }

  return { expire, mayHear, write, writeAll, find, history, log, diff, pin, collections }
}

/** Whether the caller may see the document, should there be one. @throws {Forbidden} when they may see none at all. */
function isVisible(caller: Caller, name: DocumentName): boolean {
  if (caller.mustSomewhere('documents:read') !== undefined && !caller.can('documents:read', resourceOf(name)))
    return false
  return isName(name.collection, name.key)
}

function planWrite(caller: Caller, request: DocumentRequest): Write {
  const { collection, key, expectedVersion } = request
  checkPath(collection)
  checkKey(key)
  caller.must('documents:write', resourceOf(request))
  if (expectedVersion !== undefined && expectedVersion !== 0 && !isVersion(expectedVersion))
    invalid('expectedVersion', 'must be 0 or more')
  return { accountId: caller.accountId, collection, key, expectedVersion, by: caller.by(), change: changeOf(request) }
}

function planAt(caller: Caller, request: DocumentRequest, index: number): Write {
  try {
    return planWrite(caller, request)
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error
    const issues = error.issues.map(({ path, message }) => ({ path: `writes.${index}.${path}`, message }))
    throw new InvalidInput(`Write ${index}: ${error.message}`, issues)
  }
}

function changeOf(request: DocumentRequest): Change {
  switch (request.kind) {
    case 'put':
      return { kind: 'put', value: checkValue(request.data), ttlMs: checkedTtl(request.ttlMs) }
    case 'patch':
      return { kind: 'patch', apply: patchOf(request.mergePatch, request.jsonPatch), ttlMs: checkedTtl(request.ttlMs) }
    case 'delete':
      return { kind: 'delete' }
    case 'restore':
      if (!isVersion(request.version)) throw new DocumentNotFound(request, request.version)
      return { kind: 'restore', version: request.version }
  }
}

function patchOf(merge: unknown, json: unknown): ApplyPatch {
  if ((merge === undefined) === (json === undefined))
    throw new InvalidInput('Give either `mergePatch` or `jsonPatch`.', [
      { path: 'mergePatch', message: 'must be given, unless `jsonPatch` is' },
    ])
  return json === undefined ? mergePatch(merge) : jsonPatchOf(json)
}

function checkedTtl(ttlMs: number | undefined): number | undefined {
  if (ttlMs === undefined) return undefined
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1 || ttlMs > longestTtlMs)
    invalid('ttlMs', `must be 1 to ${longestTtlMs} milliseconds`)
  return ttlMs
}

function isVersion(version: number): boolean {
  return Number.isInteger(version) && version > 0 && version <= largestInt
}

function invalid(path: string, message: string): never {
  throw new InvalidInput(`\`${path}\` ${message}.`, [{ path, message }])
}
