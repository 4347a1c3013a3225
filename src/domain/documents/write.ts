import type { Fence } from '#domain/locks/service.ts'
import type { By, NewEntry } from '#platform/journal/entry.ts'
import type { CollectionRules } from './collection.ts'
import { type DocumentName, type DocumentState, isDue } from './document.ts'
import { DocumentNotFound, VersionConflict, VersionRequired } from './errors.ts'
import { type DocumentEventType, documentEvent } from './events.ts'
import type { Value } from './value.ts'

/** What somebody wants to do to a document. */
export type Change =
  /** Replaces the value; creates the document if it does not exist, unless it must. */
  | {
      readonly kind: 'put'
      readonly value: Value
      readonly ttlMs: number | undefined
      readonly ifExists?: boolean
    }
  /** Computes a new value from the current one; an undefined time to live leaves that unchanged. */
  | { readonly kind: 'patch'; readonly apply: (data: unknown) => Value; readonly ttlMs: number | undefined }
  | { readonly kind: 'delete'; readonly reason?: 'expired' }
  /** Makes an earlier version current again, also of a deleted document. */
  | { readonly kind: 'restore'; readonly version: number }

/** One write, as it was asked for. */
export interface Write extends DocumentName {
  readonly accountId: string
  readonly by: By
  readonly change: Change
  /** The version that is to be changed; 0: there must be none; undefined: whichever. */
  readonly expectedVersion: number | undefined
  /** A lock that has to be held. */
  readonly fence?: Fence | undefined
}

/** What a write is decided by. */
export interface WriteContext {
  /** The document as it is, a deleted one included. */
  readonly current: DocumentState | undefined
  readonly rules: CollectionRules
  /** The version to be restored, when there is one that holds something. */
  readonly earlier: Value | undefined
  readonly now: Date
}

/** The result of a write: the versions that it creates, oldest first, and the event of each. */
export interface Decision {
  /** What the collection's schema has to allow; undefined when nothing is put in the document's place. */
  readonly value: Value | undefined
  readonly versions: readonly DocumentState[]
  readonly entries: readonly NewEntry[]
}

/** Deletes what is due. */
export const system: By = { actor: { kind: 'system', id: 'system', name: 'system' } }

/**
 * Decides what a write makes of a document. A document that is due is deleted by the system first, as a version of its own.
 * Whether the value fits the collection's schema is for the caller to find out.
 * @throws {VersionConflict} @throws {VersionRequired} @throws {DocumentNotFound} @throws {PatchFailed} @throws {InvalidInput}
 */
export function decide(write: Write, context: WriteContext): Decision {
  const { current, now } = context
  if (current === undefined || !isDue(current, now)) {
    if (isExpiry(write.change)) throw new DocumentNotFound(write)
    return decideOnPresent(write, context)
  }
  const expiry: Write = {
    ...write,
    by: system,
    change: { kind: 'delete', reason: 'expired' },
    expectedVersion: undefined,
  }
  const expired = made(expiry, 'document.deleted', nextVersion(expiry, context, undefined))
  if (isExpiry(write.change)) return expired
  const after = decideOnPresent(write, { ...context, current: expired.versions.at(-1) })
  return {
    value: after.value,
    versions: [...expired.versions, ...after.versions],
    entries: [...expired.entries, ...after.entries],
  }
}

function isExpiry(change: Change): boolean {
  return change.kind === 'delete' && change.reason === 'expired'
}

function decideOnPresent(write: Write, context: WriteContext): Decision {
  const { change } = write
  const { current, rules } = context
  const isHere = current !== undefined && !current.deleted
  const mustBeHere = change.kind === 'patch' || change.kind === 'delete' || (change.kind === 'put' && change.ifExists)
  if (!isHere && mustBeHere) throw new DocumentNotFound(write)
  checkVersion(write, current, rules)
  switch (change.kind) {
    case 'put': {
      const type = isHere ? 'document.updated' : 'document.created'
      return made(write, type, nextVersion(write, context, change.value), change.value)
    }
    case 'patch': {
      const value = change.apply(current?.data)
      return made(write, 'document.updated', nextVersion(write, context, value), value)
    }
    case 'delete':
      return made(write, 'document.deleted', nextVersion(write, context, undefined))
    case 'restore': {
      if (context.earlier === undefined) throw new DocumentNotFound(write, change.version)
      return made(write, 'document.restored', nextVersion(write, context, context.earlier), context.earlier)
    }
  }
}

function checkVersion(write: Write, current: DocumentState | undefined, rules: CollectionRules): void {
  const { expectedVersion } = write
  if (expectedVersion === undefined) {
    if (rules.requireVersion) throw new VersionRequired(write)
    return
  }
  const isFresh = expectedVersion === 0 && (current === undefined || current.deleted)
  if (!isFresh && expectedVersion !== (current?.version ?? 0))
    throw new VersionConflict(write, expectedVersion, current)
}

function nextVersion(write: Write, { current, now }: WriteContext, value: Value | undefined): DocumentState {
  const { accountId, collection, key, by } = write
  // Times of one document grow with its versions, whichever transaction waited for whom.
  const earliest = current === undefined ? 0 : current.updatedAt.getTime() + 1
  const at = new Date(Math.max(now.getTime(), earliest))
  const isNew = current === undefined || current.deleted
  return {
    accountId,
    collection,
    key,
    version: (current?.version ?? 0) + 1,
    data: value?.data ?? null,
    createdAt: isNew ? at : current.createdAt,
    createdBy: isNew ? by.actor : current.createdBy,
    updatedAt: at,
    updatedBy: by.actor,
    deleted: value === undefined,
    expiresAt: value === undefined ? null : expiry(write.change, current, at),
    sizeBytes: value?.sizeBytes ?? 0,
  }
}

function expiry(change: Change, current: DocumentState | undefined, at: Date): Date | null {
  if (change.kind === 'restore' || change.kind === 'delete') return null
  if (change.ttlMs !== undefined) return new Date(at.getTime() + change.ttlMs)
  return change.kind === 'patch' ? (current?.expiresAt ?? null) : null
}

function made(write: Write, type: DocumentEventType, state: DocumentState, value?: Value): Decision {
  const { change, by } = write
  const more = {
    ...(change.kind === 'delete' && change.reason !== undefined && { reason: change.reason }),
    ...(change.kind === 'restore' && { restoredVersion: change.version }),
  }
  return { value, versions: [state], entries: [documentEvent(type, state, by, more)] }
}
