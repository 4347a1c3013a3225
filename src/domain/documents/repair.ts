import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import type { DocumentState, FullName } from './document.ts'
import { documentEvent } from './events.ts'
import { lockDocuments, readTime, updateDocuments } from './store/documents.ts'
import { findNewestVersion } from './store/repair.ts'

/** What became the document: its newest version, or what readers had seen, as a version behind the newest one. */
type RepairedWith = 'NEWEST_VERSION' | 'CURRENT_DATA'

export interface RepairedDocument extends FullName {
  /** The version that it was at. */
  readonly from: number
  /** The version that it is at now. */
  readonly to: number
  readonly with: RepairedWith
}

export interface RepairOptions {
  /** Keep what readers have seen until now, also where a later write was acknowledged. */
  readonly keepCurrent: boolean
  readonly by: By
}

/**
 * Brings a document to the end of its own history, so that it can be written again. Its newest version becomes the document;
 * but where the document was written after that version, or as `keepCurrent` asks, its data stays and becomes a version
 * behind the newest one. No version is changed or removed. Undefined: it isn't behind (any more).
 */
export function repairDocument(
  transact: Transact,
  name: FullName,
  options: RepairOptions,
): Promise<RepairedDocument | undefined> {
  return transact(async (tx) => {
    const { documents } = await lockDocuments(tx, [name])
    const [current] = documents
    const newest = await findNewestVersion(tx, name)
    if (current === undefined || newest === undefined || newest.version <= current.version) return undefined
    const isStale = current.updatedAt.getTime() > newest.updatedAt.getTime()
    const isKept = options.keepCurrent || isStale
    const repaired = isKept ? await appendCurrent(tx, current, newest, options.by) : newest
    await updateDocuments(tx, [repaired])
    tx.journal(documentEvent('document.repaired', repaired, options.by, { previousVersion: current.version }))
    const { accountId, collection, key } = name
    const how: RepairedWith = isKept ? 'CURRENT_DATA' : 'NEWEST_VERSION'
    return { accountId, collection, key, from: current.version, to: repaired.version, with: how }
  })
}

async function appendCurrent(
  tx: Transaction,
  current: DocumentState,
  newest: DocumentState,
  by: By,
): Promise<DocumentState> {
  const now = await readTime(tx)
  // Times of one document grow with its versions.
  const last = Math.max(current.updatedAt.getTime(), newest.updatedAt.getTime())
  const updatedAt = new Date(Math.max(now.getTime(), last + 1))
  return { ...current, version: newest.version + 1, updatedAt, updatedBy: by.actor }
}
