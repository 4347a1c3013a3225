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
    description: 'One entry; null when there is none, or its time is over.',
    args: { key: t.arg.string({ required: true, description: 'Its key.' }) },
    resolve: async (_root, { key }, { caller, entries }) => (await entries.find(caller, key)) ?? null,
  }),
)

builder.queryField('entries', (t) =>
  t.field({
    type: EntryConnection,
    description: 'The account’s entries, in the order of their keys’ bytes.',
    args: {
      prefix: t.arg.string({
        defaultValue: '',
        required: true,
        description: 'Those whose keys begin with this, such as `flags/`.',
      }),
      first: t.arg.int({ description: 'How many, 1 to 200; 50 when absent.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { prefix, first, after }, { caller, entries }) => {
      const size = pageSize(first)
      const read = await entries.list(caller, prefix, after ? nameIn('entries', after) : '', size + 1)
      return pageOf(read, size, after, ({ key }) => nameCursor('entries', key))
    },
  }),
)

/** A cursor of a list that goes by names. */
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
