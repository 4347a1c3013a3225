import {
  DocumentDocument,
  type DocumentFilter,
  type DocumentQuery,
  DocumentsDocument,
  type DocumentsQuery,
} from '#client/generated/graphql.ts'
import { type ListState, useList } from './use-list.ts'
import { eventsOf, type QueryState, useQuery } from './use-query.ts'
import { keyOf } from './use-resource.ts'

export interface DocumentOptions {
  /** A version of it; default: the current one. */
  readonly version?: number | undefined
  /** The version that was current at this time (ISO 8601). */
  readonly at?: string | undefined
  readonly skip?: boolean | undefined
}

/** A document; null: there is none, or the caller may not see it. The current version changes as it is written. */
export function useDocument(
  collection: string,
  key: string,
  { version, at, skip = false }: DocumentOptions = {},
): QueryState<DocumentQuery['document']> {
  const isCurrent = version === undefined && at === undefined
  const live = isCurrent ? { types: ['document.*'], subject: `document:${collection}/${key}` } : undefined
  const { data, ...state } = useQuery(DocumentDocument, { collection, key, version, at }, { skip, live })
  return { ...state, data: data?.document }
}

/** A document as lists have it. */
export type DocumentRow = DocumentsQuery['documents']['nodes'][number]

export interface DocumentsOptions {
  /** The path pattern of their collections, such as `releases/**`. Default: all. */
  readonly in?: string | undefined
  readonly where?: DocumentFilter | undefined
  /** Documents in a page, 1 to 200. Default: 50. */
  readonly pageSize?: number | undefined
  readonly skip?: boolean | undefined
}

const defaultPageSize = 50

/** The documents that match, page by page, by collection and key. */
export function useDocuments(options: DocumentsOptions = {}): ListState<DocumentRow> {
  const { in: pattern = '**', where, pageSize = defaultPageSize, skip = false } = options
  const variables = { in: pattern, where, first: pageSize }
  return useList(skip ? undefined : keyOf('documents', variables), {
    document: DocumentsDocument,
    variables,
    select: ({ documents }) => documents,
    idOf: ({ collection, key }) => keyOf(collection, key),
    follow: eventsOf({ types: ['document.*', 'collection.deleted'] }),
  })
}
