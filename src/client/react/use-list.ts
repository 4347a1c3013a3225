import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { useCallback } from 'react'
import { useClient } from './context.ts'
import type { Live } from './live.ts'
import { Refetch } from './refetch.ts'
import { resourcesOf, type Sink, type Source } from './resource.ts'
import { type Follow, fetchData } from './use-query.ts'
import { useResource } from './use-resource.ts'

/** A page of a list, as every list of the API has it. */
export interface Page<Node> {
  readonly nodes: readonly Node[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor?: string | null }
}

/** A list as far as it was read. */
export interface List<Node> {
  readonly nodes: readonly Node[]
  /** Whether there are more, and there is room for them. */
  readonly hasMore: boolean
  readonly isLoadingMore: boolean
}

export interface ListState<Node> extends Omit<Live<List<Node>>, 'data'>, List<Node> {
  /** Reads the next page. */
  readonly loadMore: () => Promise<void>
  /** Reads the beginning of the list again. */
  readonly refresh: () => Promise<void>
}

/** How a list is read. */
export interface ListQuery<Data, Variables, Node> {
  readonly document: TypedDocumentNode<Data, Variables>
  readonly variables: Variables
  readonly select: (data: Data) => Page<Node>
  /** What a row is known by. */
  readonly idOf: (node: Node) => string
  readonly follow: Follow<List<Node>> | undefined
}

/** Rows of one list that are held at most: what lies behind them is for a narrower filter. */
const maxRows = 2_000

const none: readonly never[] = []

/** A list that begins with the newest of it, page by page, with its rows kept up to date. */
export function useList<Data, Variables, Node>(key: string | undefined, query: ListQuery<Data, Variables, Node>) {
  const resources = resourcesOf(useClient())
  const { data, refresh, ...state } = useResource<List<Node>>(key, listSource(query))
  const loadMore = useCallback(async () => {
    if (key !== undefined) await moreOf.get(resources)?.get(key)?.()
  }, [resources, key])
  return {
    ...state,
    nodes: data?.nodes ?? none,
    hasMore: data?.hasMore ?? false,
    isLoadingMore: data?.isLoadingMore ?? false,
    loadMore,
    refresh,
  } satisfies ListState<Node>

  function listSource(read: ListQuery<Data, Variables, Node>): Source<List<Node>> {
    return async (sink) => {
      const reader = new ListReader(sink, read)
      const all = moreOf.get(resources) ?? new Map<string, () => Promise<void>>()
      moreOf.set(resources, all)
      if (key !== undefined) {
        const more = () => reader.more()
        all.set(key, more)
        sink.signal.addEventListener('abort', () => all.get(key) === more && all.delete(key))
      }
      const refetch = new Refetch(sink, () => reader.first())
      await Promise.all([refetch.now(), read.follow?.(sink, refetch)])
    }
  }
}

/** How the next page of each list is read. */
const moreOf = new WeakMap<object, Map<string, () => Promise<void>>>()

/** Reads the pages of a list, and the first one again when something has changed. */
class ListReader<Data, Variables, Node> {
  readonly #sink: Sink<List<Node>>
  readonly #query: ListQuery<Data, Variables, Node>
  #after: string | undefined
  #reading: Promise<void> | undefined

  constructor(sink: Sink<List<Node>>, query: ListQuery<Data, Variables, Node>) {
    this.#sink = sink
    this.#query = query
  }

  /** The rows behind the first page stay, if they still follow it. */
  async first(): Promise<void> {
    await this.#reading
    const { nodes, pageInfo } = await this.#read(undefined)
    const { idOf } = this.#query
    const old = this.#sink.data
    const fresh = new Set(nodes.map(idOf))
    const isConnected = pageInfo.hasNextPage && old?.nodes.some((node) => fresh.has(idOf(node)))
    const rest = isConnected ? (old?.nodes ?? none).filter((node) => !fresh.has(idOf(node))) : none
    if (!isConnected || this.#after === undefined) this.#after = pageInfo.endCursor ?? undefined
    const isLonger = rest.length > 0 ? (old?.hasMore ?? false) : pageInfo.hasNextPage
    this.#set([...nodes, ...rest], isLonger)
  }

  async more(): Promise<void> {
    const list = this.#sink.data
    if (list === undefined || !list.hasMore || this.#reading !== undefined) return
    this.#sink.set({ ...list, isLoadingMore: true })
    this.#reading = this.#append().catch((error: unknown) => this.#sink.fail(error))
    await this.#reading
    this.#reading = undefined
  }

  async #append(): Promise<void> {
    const { nodes, pageInfo } = await this.#read(this.#after)
    const { idOf } = this.#query
    const known = this.#sink.data?.nodes ?? none
    const ids = new Set(known.map(idOf))
    this.#after = pageInfo.endCursor ?? this.#after
    this.#set([...known, ...nodes.filter((node) => !ids.has(idOf(node)))], pageInfo.hasNextPage)
  }

  async #read(after: string | undefined): Promise<Page<Node>> {
    const { document, variables, select } = this.#query
    return select(await fetchData(this.#sink, document, { ...variables, after }))
  }

  #set(nodes: readonly Node[], isLonger: boolean): void {
    this.#sink.set({
      nodes: nodes.slice(0, maxRows),
      hasMore: isLonger && nodes.length < maxRows,
      isLoadingMore: false,
    })
  }
}
