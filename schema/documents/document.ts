import type { DocumentState, VersionRow } from '#domain/documents/document.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { builder } from '#schema/builder.ts'
import { separateRead } from '#schema/complexity.ts'
import { connectionOf, pageOf, pageSize } from '#schema/pagination.ts'

export const DocumentVersion = builder.objectRef<VersionRow>('DocumentVersion').implement({
  description: 'What one write has made of a document.',
  fields: (t) => ({
    version: t.exposeInt('version', { description: '1 for the first.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was written.' }),
    by: t.expose('by', { type: 'Actor', description: 'Who wrote it.' }),
    deleted: t.exposeBoolean('deleted', { description: 'Whether the write was a deletion.' }),
    pinned: t.exposeBoolean('pinned', { description: 'Whether it is kept whatever the collection’s retention says.' }),
    sizeBytes: t.exposeInt('sizeBytes', { description: 'Of what it holds, as JSON.' }),
  }),
})
const DocumentVersionConnection = connectionOf('DocumentVersion', DocumentVersion)

export const DocumentRef = builder.objectRef<DocumentState>('Document').implement({
  description: 'A JSON value under a key, as it is, or as it was at one of its versions.',
  fields: (t) => ({
    collection: t.exposeString('collection', { description: 'The path of its collection.' }),
    key: t.exposeString('key', { description: 'Unique within the collection.' }),
    version: t.exposeInt('version', { description: 'Grows by one with each write, deletions included.' }),
    data: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it holds; null when it is deleted.',
      resolve: (document) => document.data,
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When it was created; a deleted one that is written again is created again.',
    }),
    createdBy: t.expose('createdBy', { type: 'Actor', description: 'Who made it.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When this version was written.' }),
    updatedBy: t.expose('updatedBy', { type: 'Actor', description: 'Who wrote this version.' }),
    deleted: t.exposeBoolean('deleted', { description: 'Whether this version is a deletion.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is deleted by itself; null when it isn’t.',
    }),
    sizeBytes: t.exposeInt('sizeBytes', { description: 'Of what it holds, as JSON.' }),
    history: t.field({
      type: DocumentVersionConnection,
      description: 'Its versions, newest first, as far as they are kept.',
      complexity: (args) => ({ field: separateRead, multiplier: Math.min(Math.max(1, args.first ?? 50), 200) }),
      args: {
        first: t.arg.int({ description: 'How many, 1 to 200; 50 when absent.' }),
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
      description: 'The JSON Patch (RFC 6902) that makes one version the other; null when one of them isn’t there.',
      nullable: true,
      complexity: 2 * separateRead,
      args: {
        from: t.arg.int({
          description: 'From which version; the one before this when absent. Deletions count as null, and so does 0.',
        }),
        to: t.arg.int({ description: 'To which version; this one when absent.' }),
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
