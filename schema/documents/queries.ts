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
    description: 'One document; null when it does not exist or is deleted. A deletion can be read by its version.',
    args: {
      collection: t.arg.string({
        required: true,
        defaultValue: defaultCollection,
        description: 'The path of its collection.',
      }),
      key: t.arg.string({ required: true, description: 'Its key.' }),
      version: t.arg.int({ description: 'Return this version; default: the current one.' }),
      at: t.arg({ type: 'DateTime', description: 'Return the version that was current at this time; default: now.' }),
      deleted: t.arg.boolean({ description: 'Whether to return a deleted document, without data.' }),
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
    description: 'One collection; null when it does not exist.',
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
    description: 'The account’s collections, sorted by path.',
    args: {
      prefix: t.arg.string({ defaultValue: '', required: true, description: 'Only paths that begin with this.' }),
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
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
