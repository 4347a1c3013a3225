import { z } from 'zod'
import { defaultCollection, document, toDocument } from '#transport/rest/document.ts'
import {
  CollectionDocument,
  CollectionLogDocument,
  CollectionsDocument,
  CreateCollectionDocument,
  DeleteCollectionDocument,
  DocumentKeysDocument,
  type DocumentOrder,
  DocumentsDocument,
} from '#transport/rest/generated/graphql.ts'
import type { Operations } from '#transport/rest/operations.ts'
import { answerPage, linkHeader, listQuery, nextLink, placeOf } from '#transport/rest/paging.ts'
import { found } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'

const tag = 'Documents'
const maxPageSize = 200

const collection = z
  .object({ id: z.string().describe('Its path.'), name: z.string().describe('Its path.') })
  .meta({ id: 'Collection', description: 'A collection of documents.' })
const example = { id: 'releases/prod', name: 'releases/prod' }

const logEntry = z
  .object({
    key: z.string(),
    version: z.int(),
    at: z.iso.datetime(),
    by: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
    deleted: z.boolean().describe('Whether the write was a deletion.'),
    sizeBytes: z.int(),
  })
  .meta({ id: 'ChangeLogEntry', description: 'One write to a document of a collection.' })

const name = z.string().describe('The path of the collection; a `/` in it is percent-encoded.')
const params = z.object({ name })

const order = z.strictObject({
  path: z.string().optional().describe('A path in the value, such as `version.major`.'),
  type: z.string().optional().describe('The type at the path: `STRING`, `NUMBER` or `BOOLEAN`.'),
  field: z.string().optional().describe('A field of the document instead of a path, such as `UPDATED_AT`.'),
  direction: z.enum(['ASC', 'DESC']).default('ASC'),
})
const queryFields = {
  filter: z.record(z.string(), z.unknown()).optional().describe('The same as `DocumentFilter` in GraphQL.'),
  sort: z.array(order).max(4).optional().describe('Sort keys, the most significant first.'),
  limit: z.int().min(1).max(maxPageSize).default(50).describe(`Page size, 1 to ${maxPageSize}.`),
  cursor: z.string().optional().describe('Continue after this cursor: `nextCursor` of the previous page.'),
}
const path = z.string().describe('A pattern of collection paths: `releases/**`, `*/prod`.')
const queryBody = z
  .strictObject(queryFields)
  .meta({ id: 'CollectionQuery', description: 'Selects documents of one collection.' })
const anyQueryBody = z
  .strictObject({ path: path.default('**'), ...queryFields })
  .meta({ id: 'DocumentQuery', description: 'Selects documents.' })

const found200 = {
  200: {
    description: 'A page of documents.',
    schema: z
      .object({ items: z.array(document), nextCursor: z.string().nullable().describe('Null on the last page.') })
      .meta({ id: 'DocumentPage', description: 'A page of documents.' }),
  },
}

type AnyQuery = z.output<typeof anyQueryBody>
function toVariables({ path, filter, sort, limit, cursor }: AnyQuery) {
  return {
    in: path,
    where: filter ?? null,
    orderBy: (sort as DocumentOrder[] | undefined) ?? null,
    first: limit,
    after: cursor ?? null,
  }
}

const queryNames = { in: 'path', where: 'filter', orderBy: 'sort', first: 'limit', after: 'cursor' }

export const collectionRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/doc-store/docs',
    name: 'listDocumentKeys',
    tag,
    summary: 'Lists the keys of documents, sorted.',
    query: z.object({ prefix: z.string().optional().describe('Only keys that begin with this.'), ...listQuery() }),
    answers: {
      200: { description: 'A page of keys.', schema: z.array(z.string()), headers: linkHeader, example: ['web'] },
    },
    document: DocumentKeysDocument,
    async variables({ query, operations }) {
      const where = query.prefix === undefined ? null : { key: { startsWith: query.prefix } }
      const selection = { in: defaultCollection, where }
      const pageInfo = async (page: { first: number; after: string | null }) =>
        (await operations.run(DocumentKeysDocument, { ...selection, ...page })).documents.pageInfo
      return { ...selection, first: query.limit, after: await placeOf(query, pageInfo) }
    },
    answer: ({ documents: { nodes, pageInfo } }, asked) =>
      answerPage(
        nodes.map(({ key }) => key),
        pageInfo,
        asked,
      ),
  }),
  defineRoute({
    method: 'post',
    path: '/doc-store/query',
    name: 'queryDocuments',
    tag,
    summary: 'Queries documents across collections.',
    body: anyQueryBody,
    bodyExamples: {
      any: { path: 'releases/**', filter: { path: 'state', eq: 'live' }, sort: [{ field: 'UPDATED_AT' }] },
    },
    answers: found200,
    document: DocumentsDocument,
    names: queryNames,
    variables: ({ body }) => toVariables(body),
    answer: ({ documents: { nodes, pageInfo } }) =>
      json(200, { items: nodes.map(toDocument), nextCursor: nextOf(pageInfo) }),
  }),
  defineRoute({
    method: 'get',
    path: '/doc-store/collections',
    name: 'listCollections',
    tag,
    summary: 'Lists collections, sorted by path.',
    query: z.object({ prefix: z.string().default('').describe('Only paths that begin with this.'), ...listQuery() }),
    answers: {
      200: {
        description: 'A page of collections.',
        schema: z.array(collection),
        headers: linkHeader,
        example: [example],
      },
    },
    document: CollectionsDocument,
    async variables({ query, operations }) {
      const { prefix } = query
      const pageInfo = async (page: { first: number; after: string | null }) =>
        (await operations.run(CollectionsDocument, { prefix, ...page })).collections.pageInfo
      return { prefix, first: query.limit, after: await placeOf(query, pageInfo) }
    },
    answer: ({ collections: { nodes, pageInfo } }, asked) =>
      answerPage(
        nodes.map(({ path }) => toCollection(path)),
        pageInfo,
        asked,
      ),
  }),
  defineRoute({
    method: 'post',
    path: '/doc-store/collections',
    name: 'createCollection',
    tag,
    summary: 'Creates a collection.',
    body: z
      .strictObject({
        name: z.string().describe('Its path, with `/` between the parts.'),
        schema: z.unknown().optional().describe('A JSON Schema (2020-12) for its documents.'),
        requireVersion: z.boolean().default(false).describe('Whether each write must name the version it changes.'),
      })
      .meta({ id: 'CollectionRequest', description: 'A collection to create.' }),
    bodyExamples: { plain: { name: 'releases/prod' } },
    answers: { 200: { description: 'The collection was created.', schema: collection, example } },
    refusals: [409],
    document: CreateCollectionDocument,
    names: { path: 'name' },
    variables: ({ body: { name: path, ...rest } }) => ({ input: { path, ...rest } }),
    answer: ({ createCollection }) => json(200, toCollection(createCollection.collection.path)),
  }),
  defineRoute({
    method: 'get',
    path: '/doc-store/collections/{name}',
    name: 'getCollection',
    tag,
    summary: 'Returns a collection with its documents, sorted by key, or with its change log.',
    params,
    query: z.object({
      store: z
        .enum(['doc', 'changelog'])
        .default('doc')
        .describe('`doc`: its documents. `changelog`: the writes to them, newest first.'),
      ...listQuery(),
    }),
    answers: {
      200: {
        description: 'The collection, and a page of its documents or of its change log.',
        schema: collection
          .extend({
            requireVersion: z.boolean(),
            schema: z.unknown(),
            documents: z.array(document).optional(),
            changelog: z.array(logEntry).optional(),
          })
          .meta({ id: 'CollectionWithDocuments', description: 'A collection, and a page of its documents.' }),
        headers: linkHeader,
      },
    },
    refusals: [404],
    document: CollectionDocument,
    variables: ({ params: { name: path } }) => ({ path }),
    async answer(data, asked) {
      const { name } = asked.params
      const { path, requireVersion, schema } = found(data.collection, `collection ${name}`)
      const { items, next } = asked.query.store === 'doc' ? await documentsOf(path, asked) : await logOf(path, asked)
      return json(200, { ...toCollection(path), requireVersion, schema, ...items }, nextLink(asked, 'cursor', next))
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/doc-store/collections/{name}',
    name: 'deleteCollection',
    tag,
    summary: 'Permanently deletes a collection with all its documents and their versions.',
    params,
    answers: {
      200: {
        description: 'The collection was deleted, and its name can be used again.',
        schema: z.object({ message: z.string(), documents: z.int().describe('Number of deleted documents.') }),
      },
    },
    refusals: [404],
    document: DeleteCollectionDocument,
    variables: ({ params: { name: path } }) => ({ path }),
    answer: ({ deleteCollection: { path, documents } }) =>
      json(200, { message: `The collection ${path} is deleted.`, documents }),
  }),
  defineRoute({
    method: 'post',
    path: '/doc-store/collections/{name}/query',
    name: 'queryCollection',
    tag,
    summary: 'Queries the documents of one collection.',
    params,
    body: queryBody,
    bodyExamples: { any: { filter: { path: 'state', eq: 'live' }, limit: 20 } },
    answers: found200,
    document: DocumentsDocument,
    names: queryNames,
    variables: ({ params: { name }, body }) => toVariables({ path: name, ...body }),
    answer: ({ documents: { nodes, pageInfo } }) =>
      json(200, { items: nodes.map(toDocument), nextCursor: nextOf(pageInfo) }),
  }),
]

interface Listing {
  readonly query: { readonly limit: number; readonly offset: number; readonly cursor?: string | undefined }
  readonly operations: Operations
}
type Page = { readonly first: number; readonly after: string | null }

async function documentsOf(path: string, { query, operations }: Listing) {
  const pageInfo = async (page: Page) =>
    (await operations.run(DocumentKeysDocument, { in: path, ...page })).documents.pageInfo
  const page = { in: path, first: query.limit, after: await placeOf(query, pageInfo) }
  const { documents } = await operations.run(DocumentsDocument, page)
  return { items: { documents: documents.nodes.map(toDocument) }, next: nextOf(documents.pageInfo) }
}

async function logOf(path: string, { query, operations }: Listing) {
  const read = async (page: Page) =>
    found((await operations.run(CollectionLogDocument, { path, ...page })).collection, `collection ${path}`).log
  const after = await placeOf(query, async (page) => (await read(page)).pageInfo)
  const { nodes, pageInfo } = await read({ first: query.limit, after })
  return { items: { changelog: nodes.map(({ key, version }) => ({ key, ...version })) }, next: nextOf(pageInfo) }
}

function toCollection(path: string): z.output<typeof collection> {
  return { id: path, name: path }
}

function nextOf({ endCursor, hasNextPage }: { readonly endCursor: string | null; readonly hasNextPage: boolean }) {
  return hasNextPage ? endCursor : null
}
