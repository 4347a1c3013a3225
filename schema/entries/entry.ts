import type { Entry, EntryVersion, entryChangeKinds } from '#domain/entries/entry.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { builder } from '#schema/builder.ts'
import { separateRead } from '#schema/complexity.ts'
import { described } from '#schema/described.ts'
import { connectionOf, pageOf, pageSize } from '#schema/pagination.ts'

const EntryChangeKindEnum = builder.enumType('EntryChangeKind', {
  description: 'SET: the entry got a value. DELETED, EXPIRED: it ceased to exist.',
  values: described<(typeof entryChangeKinds)[number]>({
    SET: 'The entry got a value.',
    DELETED: 'The entry was deleted.',
    EXPIRED: 'The entry has expired.',
  }),
})

const EntryVersionRef = builder.objectRef<EntryVersion>('EntryVersion').implement({
  description: 'One version of an entry: a value, or its deletion.',
  fields: (t) => ({
    version: t.exposeInt('version', { description: 'One more than the previous version.' }),
    revision: t.exposeFloat('revision', { description: 'The account’s revision after this change.' }),
    kind: t.expose('kind', { type: EntryChangeKindEnum, description: 'The kind of change.' }),
    value: t.field({
      type: 'JSON',
      nullable: true,
      description: 'SET: the value.',
      resolve: (version) => version.value,
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    by: t.expose('by', { type: 'Actor', description: 'Who did it.' }),
  }),
})
const EntryVersionConnection = connectionOf('EntryVersion', EntryVersionRef)

export const EntryRef = builder.objectRef<Entry>('Entry').implement({
  description: 'A key-value entry.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Unique in the account.' }),
    value: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The value as it was written, with the same order of members; may be null.',
      resolve: (entry) => entry.value,
    }),
    version: t.exposeInt('version', {
      description:
        'Grows by one with each change, also across a deletion, unless that is older than the journal’s retention.',
    }),
    revision: t.exposeFloat('revision', { description: 'The account’s revision after its last change.' }),
    sizeBytes: t.exposeInt('sizeBytes', { description: 'Size of its value as JSON.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
    updatedBy: t.expose('updatedBy', { type: 'Actor', description: 'Who last changed it.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it expires; null: never.',
    }),
    history: t.field({
      type: EntryVersionConnection,
      description:
        'Its latest versions, the current one first; the operator configures how many are kept, by default 10.',
      complexity: (args) => ({ field: separateRead, multiplier: Math.min(args.first ?? 10, 200) }),
      args: {
        first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
        after: t.arg.string({ description: 'Continue after this cursor.' }),
      },
      resolve: async ({ key }, { first, after }, { caller, entries }) => {
        const size = pageSize(first)
        const read = await entries.history(caller, key, after ? versionIn(key, after) : undefined, size + 1)
        return pageOf(read, size, after, ({ version }) => encodeCursor(list, [packed(key), String(version)]))
      },
    }),
  }),
})

const list = 'entry-history'

/** A key in a cursor, which separates its parts itself. */
function packed(key: string): string {
  return Buffer.from(key).toString('base64url')
}

function versionIn(key: string, cursor: string): number {
  const [name, version = ''] = decodeCursor(list, cursor, 2)
  if (name !== packed(key) || !/^\d{1,10}$/.test(version)) throw new InvalidCursor()
  return Number(version)
}
