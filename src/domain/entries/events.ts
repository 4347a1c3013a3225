import type { Caller } from '#domain/access/service.ts'
import { isStorable } from '#lib/json.ts'
import type { JournalEntry, NewEntry } from '#platform/journal/entry.ts'
import { type EntryChange, type EntryChangeKind, toldBytes } from './entry.ts'

/** What the journal says of entries. */
const typeOf = {
  SET: 'entry.set',
  DELETED: 'entry.deleted',
  EXPIRED: 'entry.expired',
} as const satisfies Record<EntryChangeKind, string>
const kindOf = new Map<string, EntryChangeKind>(Object.entries(typeOf).map(([kind, type]) => [type, kind as never]))

/** The data of journal entries about an entry. */
export interface EntryEventData {
  readonly key: string
  readonly version: number
  readonly revision: number
  /** Of `entry.set`: it was not there before. */
  readonly created?: boolean
  readonly sizeBytes?: number
  readonly expiresAt?: string
  /** Of `entry.set`, where it is small; shown only to those who may read the entry. */
  readonly value?: unknown
}

function entrySubject(key: string): string {
  return `entry:${key}`
}

export function entryEvent(accountId: string, change: EntryChange): NewEntry {
  const { key, kind, by } = change
  const { actor, origin } = by
  return { accountId, type: typeOf[kind], subject: entrySubject(key), actor, origin, data: { ...dataOf(change) } }
}

function dataOf({ key, version, revision, content, isNew }: EntryChange): EntryEventData {
  if (content === undefined) return { key, version, revision }
  const { value, sizeBytes, expiresAt } = content
  return {
    key,
    version,
    revision,
    created: isNew,
    sizeBytes,
    ...(expiresAt !== null && { expiresAt: expiresAt.toISOString() }),
    ...(sizeBytes <= toldBytes && isStorable(value) && { value }),
  }
}

/** What happened to an entry, by the type of the event; undefined for other events. */
export function kindOfEvent(type: string): EntryChangeKind | undefined {
  return kindOf.get(type)
}

/** Data without the value, once for each: those who look at it often find the same. */
const withoutValues = new WeakMap<JournalEntry['data'], JournalEntry['data']>()

/** What a caller may see of an event's data: the value of an entry only where they may read it. */
export function shownOfEntry(
  caller: Caller,
  { type, data }: Pick<JournalEntry, 'type' | 'data'>,
): JournalEntry['data'] {
  if (type !== typeOf.SET || caller.can('entries:read', String(data['key']))) return data
  const known = withoutValues.get(data)
  if (known !== undefined) return known
  const { value: _, ...shown } = data
  withoutValues.set(data, shown)
  return shown
}
