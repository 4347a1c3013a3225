import {
  EntryDetailsDocument,
  type EntryDetailsQuery,
  EntryPageDocument,
  type EntrySummaryFragment,
  LockDetailsDocument,
  type LockDetailsQuery,
  LockPageDocument,
  type LockSummaryFragment,
} from '#client/generated/graphql.ts'
import { type ListState, useList } from './use-list.ts'
import { eventsOf, type QueryState, useQuery } from './use-query.ts'
import { keyOf } from './use-resource.ts'

interface Options {
  readonly skip?: boolean | undefined
}

interface PrefixOptions extends Options {
  /** Only names that begin with this. */
  readonly prefix?: string | undefined
  /** Rows in a page, 1 to 200. Default: 50. */
  readonly pageSize?: number | undefined
}

const defaultPageSize = 50

/** An entry; null: there is none, or it has expired. */
export function useEntry(key: string, { skip = false }: Options = {}): QueryState<EntryDetailsQuery['entry']> {
  const live = { types: ['entry.*'], subject: `entry:${key}` }
  const { data, ...state } = useQuery(EntryDetailsDocument, { key }, { skip, live })
  return { ...state, data: data?.entry }
}

/** The entries whose keys begin with a prefix, page by page. */
export function useEntries(options: PrefixOptions = {}): ListState<EntrySummaryFragment> {
  const { prefix = '', pageSize = defaultPageSize, skip = false } = options
  const variables = { prefix, first: pageSize }
  return useList(skip ? undefined : keyOf('entries', variables), {
    document: EntryPageDocument,
    variables,
    select: ({ entries }) => entries,
    idOf: ({ key }) => key,
    follow: eventsOf({ types: ['entry.*'] }),
  })
}

/** A lock with those who wait for it; null: nobody holds it. */
export function useLock(name: string, { skip = false }: Options = {}): QueryState<LockDetailsQuery['lock']> {
  const live = { types: ['lock.*'], subject: `lock:${name}` }
  const { data, ...state } = useQuery(LockDetailsDocument, { name }, { skip, live })
  return { ...state, data: data?.lock }
}

/** The locks that are held, page by page. */
export function useLocks(options: PrefixOptions = {}): ListState<LockSummaryFragment> {
  const { prefix = '', pageSize = defaultPageSize, skip = false } = options
  const variables = { prefix, first: pageSize }
  return useList(skip ? undefined : keyOf('locks', variables), {
    document: LockPageDocument,
    variables,
    select: ({ locks }) => locks,
    idOf: ({ name }) => name,
    follow: eventsOf({ types: ['lock.*'] }),
  })
}
