import { defaultCollection } from '#domain/documents/name.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { builder } from '#schema/builder.ts'
import { connectionOf, nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'
import { CollectionRef } from './collection.ts'
import { DocumentRef } from './document.ts'

builder.queryField('document', (t) =>
  t.field({
    type: DocumentRef,
    nullable: true,
    description: 'One document; null when there is none, and when it is deleted. A deletion is found by its version.',
    args: {
      collection: t.arg.string({
        required: true,
        defaultValue: defaultCollection,
        description: 'The path of its collection.',
      }),
      key: t.arg.string({ required: true, description: 'Its key.' }),
      version: t.arg.int({ description: 'This version; the current one when absent.' }),
      at: t.arg({ type: 'DateTime', description: 'Its state at this time; now when absent.' }),
      deleted: t.arg.boolean({ description: 'Also when it is deleted, as it then is: without data.' }),
    },
    resolve: async (_root, { collection, key, version, at, deleted }, { caller, documents }) => {
      const which = { version: version ?? undefined, at: at ?? undefined, deleted: deleted ?? undefined }
      return (await documents.find(caller, { collection, key }, which)) ?? null
    },
  }),
)

const CollectionConnection = connectionOf('Collection', CollectionRef)

builder.queryField('collection', (t) =>
  t.prismaField({
    type: CollectionRef,
    nullable: true,
    description: 'One collection; null when there is none.',
    args: { path: t.arg.string({ required: true, description: 'Its path.' }) },
    resolve: (query, _root, { path }, { caller, db, documents }) => {
      if (!documents.collections.isVisible(caller, path)) return null
      return db.collection.findUnique({ ...query, where: { accountId_path: { accountId: caller.accountId, path } } })
    },
  }),
)

builder.queryField('collections', (t) =>
  t.field({
    type: CollectionConnection,
    description: 'The account’s collections, by their paths.',
    args: {
      prefix: t.arg.string({ defaultValue: '', required: true, description: 'What their paths begin with.' }),
      first: t.arg.int({ description: 'How many, 1 to 200; 50 when absent.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { prefix, first, after }, context, info) => {
      const { caller, db, documents } = context
      const size = pageSize(first)
      const behind = after == null ? '' : behindOf(after)
      const paths = await documents.collections.visiblePaths(caller, prefix, behind, size + 1)
      const read = await db.collection.findMany({
        ...nodeQuery(context, info, 'Collection'),
        where: { path: { in: paths } },
        orderBy: { path: 'asc' },
      })
      return pageOf(read, size, after, ({ path }) => encodeCursor('collections', [encodeURIComponent(path)]))
    },
  }),
)

function behindOf(cursor: string): string {
  const [path = ''] = decodeCursor('collections', cursor, 1)
  try {
    return decodeURIComponent(path)
  } catch {
    throw new InvalidCursor()
  }
}
