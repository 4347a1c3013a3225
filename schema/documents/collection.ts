import type { Retention, retentionKinds } from '#domain/documents/collection.ts'
import type { LogRow } from '#domain/documents/document.ts'
import type { LogPlace } from '#domain/documents/document-reads.ts'
import type { IndexReport, indexStates } from '#domain/documents/indexes/states.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { isWithinYears } from '#lib/moment.ts'
import { builder } from '#schema/builder.ts'
import { separateRead } from '#schema/complexity.ts'
import { described } from '#schema/described.ts'
import { connectionOf, isContinued, pageSize } from '#schema/pagination.ts'
import { DocumentVersion } from './document.ts'
import { ValueTypeEnum } from './order.ts'

export const RetentionKind = builder.enumType('RetentionKind', {
  description:
    'How long versions are kept: KEEP_ALL forever, KEEP_LAST a number of each document, KEEP_DAYS a number of days after another version has replaced them. The current version and pinned ones are always kept.',
  values: described<(typeof retentionKinds)[number]>({
    KEEP_ALL: 'All versions, forever.',
    KEEP_LAST: 'The last versions of each document.',
    KEEP_DAYS: 'Versions for some days after another one has replaced them.',
  }),
})

const RetentionRef = builder.objectRef<Retention>('Retention').implement({
  description: 'How long versions of documents are kept.',
  fields: (t) => ({
    kind: t.expose('kind', { type: RetentionKind, description: 'The rule.' }),
    versions: t.exposeInt('versions', {
      nullable: true,
      description: 'KEEP_LAST: how many, including the current one.',
    }),
    days: t.exposeInt('days', { nullable: true, description: 'KEEP_DAYS: how many days.' }),
  }),
})

const IndexStateEnum = builder.enumType('DocumentIndexState', {
  description: 'The state of an index: queries only use READY ones. A FAILED one is retried after ten minutes.',
  values: described<(typeof indexStates)[number]>({
    BUILDING: 'It is being built.',
    READY: 'Queries use it.',
    FAILED: 'It could not be built; retried after ten minutes.',
  }),
})

const DocumentIndexRef = builder.objectRef<IndexReport>('DocumentIndex').implement({
  description: 'An index on the documents of one collection.',
  fields: (t) => ({
    path: t.string({
      nullable: true,
      description: 'The path of the values; null for the words at `fullTextPaths`.',
      resolve: ({ declared }) => declared?.path ?? null,
    }),
    type: t.field({
      type: ValueTypeEnum,
      nullable: true,
      description: 'The type of the values; null for words.',
      resolve: ({ declared }) => declared?.type ?? null,
    }),
    state: t.expose('state', { type: IndexStateEnum, description: 'Its state.' }),
    error: t.string({
      nullable: true,
      description: 'Why it could not be built, as reported by the database.',
      resolve: ({ error }) => error ?? null,
    }),
  }),
})

const DocumentLogEntry = builder.objectRef<LogRow>('DocumentLogEntry').implement({
  description: 'One write to a document of a collection.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The key of the document.' }),
    version: t.field({ type: DocumentVersion, description: 'The version that was written.', resolve: (row) => row }),
  }),
})
const DocumentLogConnection = connectionOf('DocumentLogEntry', DocumentLogEntry)

function cursorOf({ at, key, version }: LogPlace): string {
  return encodeCursor('log-of-collection', [at.toISOString(), encodeURIComponent(key), String(version)])
}

function placeOf(cursor: string): LogPlace {
  const [at = '', key = '', version = ''] = decodeCursor('log-of-collection', cursor, 3)
  const time = new Date(at)
  if (!isWithinYears(time) || !/^\d{1,9}$/.test(version) || !/^(%[0-9A-F]{2}|[^%])*$/.test(key))
    throw new InvalidCursor()
  return { at: time, key: decodeURIComponent(key), version: Number(version) }
}

export const CollectionRef = builder.prismaObject('Collection', {
  description: 'A collection of documents: a path, and rules for writes.',
  select: { path: true },
  fields: (t) => ({
    path: t.exposeString('path', { description: 'Its path, with `/` between the parts, such as `releases/prod`.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    createdBy: t.field({
      type: 'Actor',
      description: 'Who created it, or its first document.',
      select: { createdBy: true },
      resolve: ({ createdBy }) => createdBy as never,
    }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When its rules were last changed.' }),
    requireVersion: t.exposeBoolean('requireVersion', {
      description: 'Whether each write must name the version it changes.',
    }),
    schema: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The JSON Schema (2020-12) that documents are validated against; null without one.',
      select: { schema: true },
      resolve: ({ schema }) => schema,
    }),
    retention: t.field({
      type: RetentionRef,
      description: 'How long versions of its documents are kept.',
      select: { retention: true, keepVersions: true, keepDays: true },
      resolve: ({ retention: kind, keepVersions: versions, keepDays: days }) => ({ kind, versions, days }),
    }),
    indexes: t.field({
      type: [DocumentIndexRef],
      description: 'Its declared indexes.',
      complexity: separateRead,
      resolve: ({ path }, _args, { caller, documents }) => documents.collections.indexes(caller, path),
    }),
    fullTextPaths: t.exposeStringList('fullTextPaths', { description: 'The paths that `search` looks at.' }),
    log: t.field({
      type: DocumentLogConnection,
      description: 'The writes to its documents, newest first, within the retention of versions.',
      complexity: (args) => ({ field: separateRead, multiplier: Math.min(Math.max(1, args.first ?? 50), 200) }),
      args: {
        first: t.arg.int({
          description: 'Page size, 1 to 200; default 50. Callers who may not read all documents may get fewer.',
        }),
        after: t.arg.string({ description: 'Continue after this cursor.' }),
      },
      resolve: async ({ path }, { first, after }, { caller, documents }) => {
        const size = pageSize(first)
        const read = await documents.log(caller, path, after == null ? undefined : placeOf(after), size + 1)
        const rows = read.slice(0, size)
        const nodes = rows.filter(({ isReadable }) => isReadable)
        const last = rows.at(-1)
        return {
          nodes,
          cursors: nodes.map(cursorOf),
          endCursor: last && cursorOf(last),
          hasNextPage: read.length > size,
          hasPreviousPage: isContinued(after),
        }
      },
    }),
    documentCount: t.int({
      nullable: true,
      description: 'Number of documents, counted exactly; null for callers who may not read all of them.',
      complexity: 10 * separateRead,
      resolve: async ({ path }, _args, { caller, documents }) =>
        (await documents.collections.count(caller, path)) ?? null,
    }),
  }),
})
