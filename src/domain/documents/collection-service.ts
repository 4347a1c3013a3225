import type { Caller } from '#domain/access/service.ts'
import { reachesBelow } from '#lib/path-pattern.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import { checkRetention, type FullPath, type Retention } from './collection.ts'
import { CollectionExists, CollectionNotFound } from './errors.ts'
import { collectionEvent } from './events.ts'
import { checkDeclaration, type DeclarationChange, mustBeFew } from './indexes/declared-index.ts'
import { type IndexReport, reportIndexes } from './indexes/states.ts'
import { countDeclared, saveDeclaration } from './indexes/store.ts'
import { checkPath } from './name.ts'
import { checkLimits, type SchemaChecker } from './schemas/schema-checker.ts'
import {
  countDocuments,
  deleteCollection,
  insertCollection,
  lockCollection,
  readPaths,
  updateCollection,
} from './store/collections.ts'
import { readTime } from './store/documents.ts'
import { validateChangedSince, validateExisting } from './validate-existing.ts'

export interface CollectionRequest extends DeclarationChange {
  readonly path: string
  /** As it is, or false, when absent; likewise below. */
  readonly requireVersion?: boolean | undefined
  /** Null: none. */
  readonly schema?: unknown
  readonly retention?: Retention | undefined
}

const keepAll: Retention = { kind: 'KEEP_ALL', versions: null, days: null }
const pathsAtOnce = 500

/** Makes everything that can be done with collections as such. */
export interface CollectionServiceDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly schemas: SchemaChecker
}

export function createCollectionService({ sql, transact, schemas }: CollectionServiceDeps) {
  /** Creates a collection before its first document. @throws {CollectionExists} @throws {InvalidInput} */
  async function create(caller: Caller, request: CollectionRequest): Promise<string> {
    const { path, requireVersion = false, schema = null, retention = keepAll } = request
    mustManage(caller, path)
    checkRetention(retention)
    checkDeclaration(request)
    if (schema !== null) await schemas.mustBeUsable(caller.accountId, schema)
    await transact(async (tx) => {
      const full = { accountId: caller.accountId, path }
      const isNew = await insertCollection(tx, full, caller.actor, { requireVersion, schema, retention })
      if (!isNew) throw new CollectionExists(path)
      await declare(tx, full, request)
      tx.journal(collectionEvent('collection.created', caller.accountId, caller.by(), { path }))
    })
    return path
  }

  /**
   * Changes rules; they hold for what is written from then on. A schema that documents don't fit is refused with the
   * first hundred of them, unless they may stay as they are until they are written again.
   * @throws {CollectionNotFound} @throws {ExistingDocumentsInvalid} @throws {InvalidInput}
   */
  async function update(caller: Caller, request: CollectionRequest, mayStay: boolean): Promise<string> {
    const { path, schema, retention } = request
    mustManage(caller, path)
    if (retention !== undefined) checkRetention(retention)
    checkDeclaration(request)
    const full = { accountId: caller.accountId, path }
    const isGiven = schema !== undefined && schema !== null
    const usable = isGiven ? await schemas.mustBeUsable(caller.accountId, schema) : undefined
    const fits = mayStay ? undefined : usable
    const since = fits && (await quietTime(full))
    // Documents are many, and nobody should wait: what is there is looked at first, what is written meanwhile last.
    const checks = schemas.patientChecks(caller.accountId, checkLimits.collection)
    if (fits !== undefined) await validateExisting(sql, full, fits, checks)
    await transact(async (tx) => {
      const row = await lockCollection(tx, full)
      if (row === undefined) throw new CollectionNotFound(path)
      if (fits !== undefined && since !== undefined)
        await validateChangedSince(tx, full, fits, schemas.patientChecks(caller.accountId), since)
      await updateCollection(tx, full, {
        requireVersion: request.requireVersion ?? row.requireVersion,
        schema: schema === undefined ? row.schema : schema,
        retention: retention ?? row,
      })
      await declare(tx, full, request)
      tx.journal(collectionEvent('collection.updated', caller.accountId, caller.by(), { path }))
    })
    return path
  }

  /** A time that is earlier than any write that isn't committed by now. @throws {CollectionNotFound} */
  async function quietTime(full: FullPath): Promise<Date> {
    return transact(async (tx) => {
      if ((await lockCollection(tx, full)) === undefined) throw new CollectionNotFound(full.path)
      return readTime(tx)
    })
  }

  /** Deletes a collection with all its documents and their versions, for good; its path is free then. @throws {CollectionNotFound} */
  async function remove(caller: Caller, path: string): Promise<number> {
    mustManage(caller, path)
    const full = { accountId: caller.accountId, path }
    return transact(async (tx) => {
      if ((await lockCollection(tx, full)) === undefined) throw new CollectionNotFound(path)
      const documents = await deleteCollection(tx, full)
      tx.journal(collectionEvent('collection.deleted', caller.accountId, caller.by(), { path, documents }))
      return documents
    })
  }

  /** Paths of collections that the caller may see something of, in order, behind one of them. */
  async function visiblePaths(caller: Caller, prefix: string, after: string, limit: number): Promise<string[]> {
    const patterns = caller.mustSomewhere('documents:read')
    if (patterns === undefined) return readPaths(sql, caller.accountId, { prefix, after, limit })
    const found: string[] = []
    for (let last = after; ; ) {
      const paths = await readPaths(sql, caller.accountId, { prefix, after: last, limit: pathsAtOnce })
      found.push(...paths.filter((path) => patterns.some((pattern) => reachesBelow(pattern, path))))
      last = paths.at(-1) ?? last
      if (found.length >= limit || paths.length < pathsAtOnce) return found.slice(0, limit)
    }
  }

  /** Whether the caller may see something of a collection, should there be one. */
  function isVisible(caller: Caller, path: string): boolean {
    const patterns = caller.mustSomewhere('documents:read')
    return patterns === undefined || patterns.some((pattern) => reachesBelow(pattern, path))
  }

  /** How many documents a collection holds; undefined for who may not read all of them. */
  async function count(caller: Caller, path: string): Promise<number | undefined> {
    const isReadable = [path, `${path}/**`].every((resource) => caller.can('documents:read', resource))
    return isReadable ? countDocuments(sql, { accountId: caller.accountId, path }) : undefined
  }

  /** How it stands with the indexes that a collection declares. */
  function indexes(caller: Caller, path: string): Promise<IndexReport[]> {
    return reportIndexes(sql, caller.accountId, path)
  }

  return { create, update, remove, indexes, visiblePaths, isVisible, count }
}

/** Two who declare at the same moment may pass the bound by what they add. @throws {InvalidInput} */
async function declare(tx: Transaction, full: FullPath, change: DeclarationChange): Promise<void> {
  if (change.indexes === undefined && change.fullTextPaths === undefined) return
  const before = await countDeclared(tx, full.accountId)
  await saveDeclaration(tx, full, change)
  const after = await countDeclared(tx, full.accountId)
  // An account above the limit may still reduce the number.
  if (after > before) mustBeFew(after)
}

/** Rules are for everything in the collection, so who makes them has to be allowed to write all of it. @throws {Forbidden} */
function mustManage(caller: Caller, path: string): void {
  checkPath(path, 'path')
  caller.must('documents:write', path)
  caller.must('documents:write', `${path}/**`)
}
