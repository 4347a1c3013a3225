import type { DocumentState, VersionRow } from '#domain/documents/document.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { builder } from '#schema/builder.ts'
import { separateRead } from '#schema/complexity.ts'
import { connectionOf, pageOf, pageSize } from '#schema/pagination.ts'

export const DocumentVersion = builder.objectRef<VersionRow>('DocumentVersion').implement({
  description: 'One version of a document.',
  fields: (t) => ({
    version: t.exposeInt('version', { description: '1 for the first.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was written.' }),
    by: t.expose('by', { type: 'Actor', description: 'Who wrote it.' }),
    deleted: t.exposeBoolean('deleted', { description: 'Whether the write was a deletion.' }),
    pinned: t.exposeBoolean('pinned', { description: 'Whether it is exempt from the collection’s retention.' }),
    sizeBytes: t.exposeInt('sizeBytes', { description: 'Size of its value as JSON.' }),
  }),
})
const DocumentVersionConnection = connectionOf('DocumentVersion', DocumentVersion)

export const DocumentRef = builder.objectRef<DocumentState>('Document').implement({
  description: 'A JSON value under a key, in its current or an earlier version.',
  fields: (t) => ({
    collection: t.exposeString('collection', { description: 'The path of its collection.' }),
    key: t.exposeString('key', { description: 'Unique within the collection.' }),
    version: t.exposeInt('version', { description: 'Grows by one with each write, deletions included.' }),
    data: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Its value; null when it is deleted.',
      resolve: (document) => document.data,
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When it was created; writing a deleted document creates it again.',
    }),
    createdBy: t.expose('createdBy', { type: 'Actor', description: 'Who created it.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When this version was written.' }),
    updatedBy: t.expose('updatedBy', { type: 'Actor', description: 'Who wrote this version.' }),
    deleted: t.exposeBoolean('deleted', { description: 'Whether this version is a deletion.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it expires and is deleted; null: never.',
    }),
    sizeBytes: t.exposeInt('sizeBytes', { description: 'Size of its value as JSON.' }),
    history: t.field({
      type: DocumentVersionConnection,
      description: 'Its versions, newest first, within their retention.',
      complexity: (args) => ({ field: separateRead, multiplier: Math.min(Math.max(1, args.first ?? 50), 200) }),
      args: {
        first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
        after: t.arg.string({ description: 'Continue after this cursor.' }),
      },
      resolve: async (document, { first, after }, { caller, documents }) => {
        const size = pageSize(first)
        const before = after == null ? undefined : parseVersion(after)
        const read = await documents.history(caller, document, before, size + 1)
        return pageOf(read, size, after, ({ version }) => encodeCursor('versions', [String(version)]))
      },
    }),
    diff: t.field({
      type: 'JSON',
      description: 'The JSON Patch (RFC 6902) from one version to another; null when one of them does not exist.',
      nullable: true,
      complexity: 2 * separateRead,
      args: {
        from: t.arg.int({
          description: 'The version to start from; default: the previous one. Deletions and version 0 count as null.',
        }),
        to: t.arg.int({ description: 'The version to end at; default: this one.' }),
      },
      resolve: async (document, { from, to }, { caller, documents }) =>
        (await documents.diff(caller, document, from ?? document.version - 1, to ?? document.version)) ?? null,
    }),
  }),
})

function parseVersion(cursor: string): number {
  const [version = ''] = decodeCursor('versions', cursor, 1)
  if (!/^\d{1,9}$/.test(version)) throw new InvalidCursor()
  return Number(version)
}
