import type { AggregateGroup, Aggregates, NumberAggregate } from '#domain/documents/query/aggregate.ts'
import type { DocumentPage, DocumentQuery } from '#domain/documents/query/service.ts'
import { builder } from '#schema/builder.ts'
import { separateRead } from '#schema/complexity.ts'
import { connectionOf, isContinued, pageSize } from '#schema/pagination.ts'
import { selectedFields } from '#schema/selected-fields.ts'
import { DocumentRef } from './document.ts'
import { DocumentFilter } from './filter.ts'
import { DocumentOrder } from './order.ts'

const DocumentConnection = connectionOf('Document', DocumentRef)

builder.objectField(DocumentConnection, 'totalCount', (t) =>
  t.int({
    nullable: true,
    description: 'Number of items on all pages; null when counting takes more than 2 seconds.',
    complexity: separateRead,
    resolve: (page) => (page as unknown as DocumentPage).count(),
  }),
)

/** The arguments of all queries about many documents. */
const inArg = {
  required: true,
  defaultValue: '**',
  description:
    'The path pattern of their collections: `*` matches any part of one segment, `**` any number of segments, as in `releases/**`, `**/emea` and `*/prod/*`. Declared indexes only speed up queries of one collection.',
} as const
const searchArg = {
  description:
    'Words that must occur at the collection’s `fullTextPaths`; `"two words"` in this order, `-word` excludes a word, `or` separates alternatives. Only the first 100,000 characters of a document’s texts at these paths are searched. For one collection.',
} as const

function toQuery(args: {
  in: string
  where?: object | null | undefined
  search?: string | null | undefined
  at?: Date | null | undefined
}): DocumentQuery {
  return { in: args.in, where: args.where ?? undefined, search: args.search ?? undefined, at: args.at ?? undefined }
}

builder.queryField('documents', (t) =>
  t.field({
    type: DocumentConnection,
    description:
      'Documents of one or more collections. Pages stay correct while documents change; a page has at most 8 MiB of data, and may have fewer documents than requested.',
    args: {
      in: t.arg.string(inArg),
      where: t.arg({ type: DocumentFilter, description: 'Only those that match; default: all.' }),
      search: t.arg.string(searchArg),
      orderBy: t.arg({
        type: [DocumentOrder],
        description: 'Sort keys, at most 4; ties are sorted by collection and key. Default: by collection and key.',
      }),
      at: t.arg({ type: 'DateTime', description: 'The documents as they were at this time; default: now.' }),
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
      after: t.arg.string({ description: 'Continue after this cursor, which must be from the same query.' }),
    },
    resolve: async (_root, { orderBy, first, after, ...args }, { caller, documentQueries }, info) => {
      const page = await documentQueries.list(caller, toQuery(args), orderBy ?? [], {
        size: pageSize(first),
        after: after ?? undefined,
        wanted: selectedFields(info, [['nodes'], ['edges', 'node']]),
      })
      return { ...page, hasPreviousPage: isContinued(after) }
    },
  }),
)

const NumberAggregateRef = builder.objectRef<NumberAggregate>('DocumentNumbers').implement({
  description: 'The numbers at one path, of documents that have a number there.',
  fields: (t) => ({
    path: t.exposeString('path', { description: 'As it was asked for.' }),
    count: t.exposeFloat('count', { description: 'How many.' }),
    min: t.exposeFloat('min', { nullable: true, description: 'The smallest; null without any.' }),
    max: t.exposeFloat('max', { nullable: true, description: 'The largest; null without any.' }),
    sum: t.exposeFloat('sum', { nullable: true, description: 'The sum; null without any.' }),
    avg: t.exposeFloat('avg', { nullable: true, description: 'The average; null without any.' }),
  }),
})

const AggregateGroupRef = builder.objectRef<AggregateGroup>('DocumentGroup').implement({
  description: 'Documents with the same value at a path.',
  fields: (t) => ({
    value: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'The string (its first 256 characters), number or boolean at the path; null for documents without one.',
      resolve: ({ value }) => value ?? null,
    }),
    count: t.exposeFloat('count', { description: 'Number of documents.' }),
    numbers: t.field({
      type: [NumberAggregateRef],
      description: 'One for each requested path.',
      resolve: ({ numbers }) => [...numbers],
    }),
  }),
})

const AggregatesRef = builder.objectRef<Aggregates>('DocumentAggregates').implement({
  description: 'Aggregated numbers of documents.',
  fields: (t) => ({
    groups: t.field({
      type: [AggregateGroupRef],
      description: 'The groups, largest first, at most 1,000; a single one without `groupBy`.',
      resolve: ({ groups }) => [...groups],
    }),
    isTruncated: t.exposeBoolean('isTruncated', { description: 'Whether there are more groups.' }),
  }),
})

builder.queryField('documentAggregates', (t) =>
  t.field({
    type: AggregatesRef,
    description: 'Counts documents and aggregates numbers in them: in total, or for each value at a path.',
    complexity: separateRead,
    args: {
      in: t.arg.string(inArg),
      where: t.arg({ type: DocumentFilter, description: 'Only those that match; default: all.' }),
      search: t.arg.string(searchArg),
      at: t.arg({ type: 'DateTime', description: 'The documents as they were at this time; default: now.' }),
      groupBy: t.arg.string({
        description: 'A path, the same as `path` in `DocumentFilter`; default: all in one group.',
      }),
      paths: t.arg.stringList({ description: 'The paths of the numbers, at most 8.' }),
    },
    resolve: (_root, { groupBy, paths, ...args }, { caller, documentQueries }) =>
      documentQueries.aggregate(caller, toQuery(args), { groupBy: groupBy ?? undefined, paths: paths ?? [] }),
  }),
)
