import { builder } from '#schema/builder.ts'
import { nameCursor, nameIn } from '#schema/entries/queries.ts'
import { connectionOf, pageOf, pageSize } from '#schema/pagination.ts'
import { LockRef } from './lock.ts'

const LockConnection = connectionOf('Lock', LockRef)

builder.queryField('lock', (t) =>
  t.field({
    type: LockRef,
    nullable: true,
    description: 'One lock; null when nobody holds it.',
    args: { name: t.arg.string({ required: true, description: 'Its name.' }) },
    resolve: async (_root, { name }, { caller, locks }) => (await locks.find(caller, name)) ?? null,
  }),
)

builder.queryField('locks', (t) =>
  t.field({
    type: LockConnection,
    description: 'Held locks, sorted by the bytes of their names.',
    args: {
      prefix: t.arg.string({
        defaultValue: '',
        required: true,
        description: 'Only locks whose names begin with this, such as `deploy/`.',
      }),
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { prefix, first, after }, { caller, locks }) => {
      const size = pageSize(first)
      const read = await locks.list(caller, prefix, after ? nameIn('locks', after) : '', size + 1)
      return pageOf(read, size, after, ({ name }) => nameCursor('locks', name))
    },
  }),
)
