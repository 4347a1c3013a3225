import type { Retention, retentionKinds } from '#domain/documents/collection.ts'
import type { LogRow } from '#domain/documents/document.ts'
import type { IndexReport, indexStates } from '#domain/documents/indexes/states.ts'
import type { LogPlace } from '#domain/documents/service.ts'
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
    'How long versions are kept: KEEP_ALL for good, KEEP_LAST so many of each document, KEEP_DAYS so many days after another version has replaced them. The current version and pinned ones are always kept.',
  values: described<(typeof retentionKinds)[number]>({
    KEEP_ALL: 'All versions, for good.',
    KEEP_LAST: 'The last versions of each document.',
    KEEP_DAYS: 'Versions for some days after another one has replaced them.',
  }),
})

const RetentionRef = builder.objectRef<Retention>('Retention').implement({
  description: 'How long versions of documents are kept.',
  fields: (t) => ({
    kind: t.expose('kind', { type: RetentionKind, description: 'By what.' }),
    versions: t.exposeInt('versions', {
      nullable: true,
      description: 'KEEP_LAST: how many, including the current one.',
    }),
    days: t.exposeInt('days', { nullable: true, description: 'KEEP_DAYS: how many.' }),
  }),
})

const IndexStateEnum = builder.enumType('DocumentIndexState', {
  description:
    'How it stands with an index: only READY ones are of use. One that FAILED is tried again after ten minutes.',
  values: described<(typeof indexStates)[number]>({
    BUILDING: 'It is being built.',
    READY: 'Queries use it.',
    FAILED: 'It could not be built; that is tried again after ten minutes.',
  }),
})

const DocumentIndexRef = builder.objectRef<IndexReport>('DocumentIndex').implement({
  description: 'An index on what documents of one collection hold.',
  fields: (t) => ({
    path: t.string({
      nullable: true,
      description: 'Where the values are; null for the words at `fullTextPaths`.',
      resolve: ({ declared }) => declared?.path ?? null,
    }),
    type: t.field({
      type: ValueTypeEnum,
      nullable: true,
      description: 'Of which type they are; null for words.',
      resolve: ({ declared }) => declared?.type ?? null,
    }),
    state: t.expose('state', { type: IndexStateEnum, description: 'How it stands with it.' }),
    error: t.string({
      nullable: true,
      description: 'Why it could not be built, as the database says.',
      resolve: ({ error }) => error ?? null,
    }),
  }),
})

const DocumentLogEntry = builder.objectRef<LogRow>('DocumentLogEntry').implement({
  description: 'One write to a document of a collection.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'To which document.' }),
    version: t.field({ type: DocumentVersion, description: 'What it has made of it.', resolve: (row) => row }),
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
  description: 'What holds documents: a path, and rules for what is written to it.',
  select: { path: true },
  fields: (t) => ({
    path: t.exposeString('path', { description: 'Parts with `/` between them, such as `releases/prod`.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    createdBy: t.field({
      type: 'Actor',
      description: 'Who made it, or its first document.',
      select: { createdBy: true },
      resolve: ({ createdBy }) => createdBy as never,
    }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When its rules were changed last.' }),
    requireVersion: t.exposeBoolean('requireVersion', {
      description: 'Whether each write has to say which version it changes.',
    }),
    schema: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The JSON Schema (2020-12) that documents are checked against; null without one.',
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
      description: 'The indexes that it declares.',
      complexity: separateRead,
      resolve: ({ path }, _args, { caller, documents }) => documents.collections.indexes(caller, path),
    }),
    fullTextPaths: t.exposeStringList('fullTextPaths', { description: 'Where the words are that `search` finds.' }),
    log: t.field({
      type: DocumentLogConnection,
      description: 'What was written to its documents, newest first, as far as versions are kept.',
      complexity: (args) => ({ field: separateRead, multiplier: Math.min(Math.max(1, args.first ?? 50), 200) }),
      args: {
        first: t.arg.int({
          description: 'How many, 1 to 200; 50 when absent. Fewer for who may not read all of them.',
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
      description: 'How many documents it holds, counted one by one; null for who may not read all of them.',
      complexity: 10 * separateRead,
      resolve: async ({ path }, _args, { caller, documents }) =>
        (await documents.collections.count(caller, path)) ?? null,
    }),
  }),
})
