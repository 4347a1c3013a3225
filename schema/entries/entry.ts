import type { Entry, EntryVersion, entryChangeKinds } from '#domain/entries/entry.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { builder } from '#schema/builder.ts'
import { separateRead } from '#schema/complexity.ts'
import { described } from '#schema/described.ts'
import { connectionOf, pageOf, pageSize } from '#schema/pagination.ts'

const EntryChangeKindEnum = builder.enumType('EntryChangeKind', {
  description: 'SET: it has a value. DELETED, EXPIRED: from then on there was none.',
  values: described<(typeof entryChangeKinds)[number]>({
    SET: 'The entry got a value.',
    DELETED: 'The entry was deleted.',
    EXPIRED: 'The entry has expired.',
  }),
})

const EntryVersionRef = builder.objectRef<EntryVersion>('EntryVersion').implement({
  description: 'What an entry was, or since when it was gone.',
  fields: (t) => ({
    version: t.exposeInt('version', { description: 'One more than the one before.' }),
    revision: t.exposeFloat('revision', { description: 'The account’s, with this change.' }),
    kind: t.expose('kind', { type: EntryChangeKindEnum, description: 'What was done.' }),
    value: t.field({
      type: 'JSON',
      nullable: true,
      description: 'SET: what it was.',
      resolve: (version) => version.value,
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    by: t.expose('by', { type: 'Actor', description: 'Who did it.' }),
  }),
})
const EntryVersionConnection = connectionOf('EntryVersion', EntryVersionRef)

export const EntryRef = builder.objectRef<Entry>('Entry').implement({
  description: 'A value under a key.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Unique in the account.' }),
    value: t.field({
      type: 'JSON',
      nullable: true,
      description: 'As it was written, the order of names included; null when that is what was written.',
      resolve: (entry) => entry.value,
    }),
    version: t.exposeInt('version', {
      description:
        'Grows by one with each change, over deletions too, unless these are longer ago than the journal reaches.',
    }),
    revision: t.exposeFloat('revision', { description: 'The account’s revision that it was last changed in.' }),
    sizeBytes: t.exposeInt('sizeBytes', { description: 'Of its value as JSON.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Since when there is such an entry.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
    updatedBy: t.expose('updatedBy', { type: 'Actor', description: 'By whom.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is gone by itself; null: never.',
    }),
    history: t.field({
      type: EntryVersionConnection,
      description: 'Its last versions, the current one first; the operator decides how many are kept, usually 10.',
      complexity: (args) => ({ field: separateRead, multiplier: Math.min(args.first ?? 10, 200) }),
      args: {
        first: t.arg.int({ description: 'How many, 1 to 200; 50 when absent.' }),
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

/** A key in a cursor, which keeps the parts apart itself. */
function packed(key: string): string {
  return Buffer.from(key).toString('base64url')
}

function versionIn(key: string, cursor: string): number {
  const [name, version = ''] = decodeCursor(list, cursor, 2)
  if (name !== packed(key) || !/^\d{1,10}$/.test(version)) throw new InvalidCursor()
  return Number(version)
}
