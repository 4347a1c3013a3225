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
    description: 'How many there are on all pages; null when that takes more than 2 seconds to count.',
    complexity: separateRead,
    resolve: (page) => (page as unknown as DocumentPage).count(),
  }),
)

/** What all questions about many documents ask with. */
const inArg = {
  required: true,
  defaultValue: '**',
  description:
    'The path pattern of their collections: `*` stands for any part of one segment, `**` for any number of segments, as in `releases/**`, `**/emea` and `*/prod/*`. Declared indexes are of use in one collection.',
} as const
const searchArg = {
  description:
    'Words that have to be in what is at the collection’s `fullTextPaths`; `"two words"` in this order, `-word` not, `or` between alternatives. Only the first 100,000 characters of a document’s texts at these paths are searched. For one collection.',
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
      'Documents of one or many collections. Pages are found by the documents at their ends, so they stay correct while documents change; a page has at most 8 MiB of data, and may have fewer documents than were asked for.',
    args: {
      in: t.arg.string(inArg),
      where: t.arg({ type: DocumentFilter, description: 'Which; all when absent.' }),
      search: t.arg.string(searchArg),
      orderBy: t.arg({
        type: [DocumentOrder],
        description: 'In which order, at most 4. Collection and key come last, and alone when absent.',
      }),
      at: t.arg({ type: 'DateTime', description: 'As they were then; as they are when absent.' }),
      first: t.arg.int({ description: 'How many, 1 to 200; 50 when absent.' }),
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
    min: t.exposeFloat('min', { nullable: true, description: 'The least; null without any.' }),
    max: t.exposeFloat('max', { nullable: true, description: 'The greatest; null without any.' }),
    sum: t.exposeFloat('sum', { nullable: true, description: 'All together; null without any.' }),
    avg: t.exposeFloat('avg', { nullable: true, description: 'On average; null without any.' }),
  }),
})

const AggregateGroupRef = builder.objectRef<AggregateGroup>('DocumentGroup').implement({
  description: 'Documents that have the same at a path.',
  fields: (t) => ({
    value: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'The text (its first 256 characters), number or boolean at the path; null for those that have nothing of these there.',
      resolve: ({ value }) => value ?? null,
    }),
    count: t.exposeFloat('count', { description: 'How many documents.' }),
    numbers: t.field({
      type: [NumberAggregateRef],
      description: 'One for each path that was asked for.',
      resolve: ({ numbers }) => [...numbers],
    }),
  }),
})

const AggregatesRef = builder.objectRef<Aggregates>('DocumentAggregates').implement({
  description: 'Numbers about documents.',
  fields: (t) => ({
    groups: t.field({
      type: [AggregateGroupRef],
      description: 'The largest first, at most 1,000; one of all documents when they are not grouped.',
      resolve: ({ groups }) => [...groups],
    }),
    isTruncated: t.exposeBoolean('isTruncated', { description: 'Whether there are more groups than that.' }),
  }),
})

builder.queryField('documentAggregates', (t) =>
  t.field({
    type: AggregatesRef,
    description: 'Counts documents, and adds up numbers in them: for all, or for each value at a path.',
    complexity: separateRead,
    args: {
      in: t.arg.string(inArg),
      where: t.arg({ type: DocumentFilter, description: 'Which; all when absent.' }),
      search: t.arg.string(searchArg),
      at: t.arg({ type: 'DateTime', description: 'As they were then; as they are when absent.' }),
      groupBy: t.arg.string({ description: 'A path, as `path` of `DocumentFilter`; all in one group when absent.' }),
      paths: t.arg.stringList({ description: 'Where the numbers are, at most 8 paths.' }),
    },
    resolve: (_root, { groupBy, paths, ...args }, { caller, documentQueries }) =>
      documentQueries.aggregate(caller, toQuery(args), { groupBy: groupBy ?? undefined, paths: paths ?? [] }),
  }),
)
