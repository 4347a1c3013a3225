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

/** What rights to a document are about, so that `releases/**` stands for every document of `releases` and below. */
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
