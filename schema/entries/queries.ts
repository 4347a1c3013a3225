import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { keyFault } from '#lib/key-rule.ts'
import { builder } from '#schema/builder.ts'
import { connectionOf, pageOf, pageSize } from '#schema/pagination.ts'
import { EntryRef } from './entry.ts'

const EntryConnection = connectionOf('Entry', EntryRef)

builder.queryField('entry', (t) =>
  t.field({
    type: EntryRef,
    nullable: true,
    description: 'One entry; null when it does not exist or has expired.',
    args: { key: t.arg.string({ required: true, description: 'Its key.' }) },
    resolve: async (_root, { key }, { caller, entries }) => (await entries.find(caller, key)) ?? null,
  }),
)

builder.queryField('entries', (t) =>
  t.field({
    type: EntryConnection,
    description: 'The account’s entries, sorted by the bytes of their keys.',
    args: {
      prefix: t.arg.string({
        defaultValue: '',
        required: true,
        description: 'Only entries whose keys begin with this, such as `flags/`.',
      }),
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { prefix, first, after }, { caller, entries }) => {
      const size = pageSize(first)
      const read = await entries.list(caller, prefix, after ? nameIn('entries', after) : '', size + 1)
      return pageOf(read, size, after, ({ key }) => nameCursor('entries', key))
    },
  }),
)

/** A cursor of a list that is sorted by name. */
export function nameCursor(list: string, name: string): string {
  return encodeCursor(list, [Buffer.from(name).toString('base64url')])
}

/** @throws {InvalidCursor} */
export function nameIn(list: string, cursor: string): string {
  const [packed = ''] = decodeCursor(list, cursor, 1)
  const name = Buffer.from(packed, 'base64url').toString('utf8')
  if (keyFault(name) !== undefined) throw new InvalidCursor()
  return name
}
