import type { By, NewEntry } from '#platform/journal/entry.ts'
import { type DocumentName, type DocumentState, resourceOf } from './document.ts'

/** What the journal says of documents and their collections. */
const documentEventTypes = [
  'document.created',
  'document.updated',
  'document.deleted',
  'document.restored',
  /** It was behind its newest version, and an operator has brought it there. */
  'document.repaired',
] as const
export type DocumentEventType = (typeof documentEventTypes)[number]

/** On every entry about a document. What it holds stands in its version, and nowhere else. */
export interface DocumentEventData extends DocumentName {
  readonly version: number
  /** 0 for the first. */
  readonly previousVersion: number
  readonly sizeBytes: number
  /** Of a deletion that nobody asked for. */
  readonly reason?: 'expired'
  /** Which version was brought back. */
  readonly restoredVersion?: number
}

/** The subject of events: what rights are decided by, so that documents of one path share it. `data` has the exact name. */
function documentSubject(name: DocumentName): string {
  return `document:${resourceOf(name)}`
}

export function documentEvent(
  type: DocumentEventType,
  { accountId, collection, key, version, sizeBytes }: DocumentState,
  { actor, origin }: By,
  more: Partial<Pick<DocumentEventData, 'reason' | 'restoredVersion' | 'previousVersion'>> = {},
): NewEntry {
  const data = { collection, key, version, previousVersion: version - 1, sizeBytes, ...more }
  return { accountId, type, subject: documentSubject({ collection, key }), actor, origin, data }
}

/** Says that a version is kept for good, or no longer; no version of its own. */
export function pinEvent(
  accountId: string,
  { collection, key }: DocumentName,
  { actor, origin }: By,
  version: number,
  pinned: boolean,
): NewEntry {
  const type = pinned ? 'document.version_pinned' : 'document.version_unpinned'
  return {
    accountId,
    type,
    subject: documentSubject({ collection, key }),
    actor,
    origin,
    data: { collection, key, version },
  }
}

/** On every entry about a collection. */
export interface CollectionEventData {
  readonly path: string
  /** Of a deletion: how many documents went with it. */
  readonly documents?: number
}

export function collectionEvent(
  type: 'collection.created' | 'collection.updated' | 'collection.deleted',
  accountId: string,
  { actor, origin }: By,
  data: CollectionEventData,
): NewEntry {
  return { accountId, type, subject: `collection:${data.path}`, actor, origin, data: { ...data } }
}
