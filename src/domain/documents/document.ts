import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import type { Actor } from '#platform/journal/entry.ts'

/** Which document of an account. */
export interface DocumentName {
  readonly collection: string
  readonly key: string
}

/** A document as it was after one of its writes. */
export interface DocumentState extends DocumentName {
  readonly accountId: string
  /** Grows by one with each write. */
  readonly version: number
  /** Null also when it is deleted. */
  readonly data: unknown
  readonly createdAt: Date
  readonly createdBy: Actor
  readonly updatedAt: Date
  readonly updatedBy: Actor
  readonly deleted: boolean
  /** It is deleted by itself then. */
  readonly expiresAt: Date | null
  /** Of the data as JSON. */
  readonly sizeBytes: number
}

/** One version in the history of a document. */
export interface VersionRow {
  readonly version: number
  readonly at: Date
  readonly by: Actor
  readonly deleted: boolean
  readonly pinned: boolean
  readonly sizeBytes: number
}

/** One version in the history of a collection. */
export interface LogRow extends VersionRow {
  readonly key: string
}

/** A document's name with its account. */
export interface FullName extends DocumentName {
  readonly accountId: string
}

/** What stands for one document, and no other, in maps and caches. */
export function documentId({ accountId, collection, key }: FullName): CompositeKey {
  return compositeKey(accountId, collection, key)
}

/** As {@link documentId}, for one version of a document. */
export function versionId({
  accountId,
  collection,
  key,
  version,
}: FullName & { readonly version: number }): CompositeKey {
  return compositeKey(accountId, collection, key, version)
}

/**
 * What rights to a document are about: `releases/**` stands for every document in the collection `releases` and in those
 * below it. Two documents can be one resource, such as `b/c` in `a` and `c` in `a/b`: a right reaches both or neither. So
 * a resource says what a caller may do, and never which document is meant; that is what {@link documentId} is for.
 */
export function resourceOf({ collection, key }: DocumentName): string {
  return `${collection}/${key}`
}

/** Whether there is something to be read at this time. */
export function isThere(document: DocumentState | undefined, now: Date): document is DocumentState {
  return document !== undefined && !document.deleted && !isDue(document, now)
}

/** Whether its time has come, and nobody has deleted it yet. */
export function isDue({ deleted, expiresAt }: Pick<DocumentState, 'deleted' | 'expiresAt'>, now: Date): boolean {
  return !deleted && expiresAt !== null && expiresAt <= now
}
