import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { type EventSelection, followEvents } from '#client/follow-events.ts'
import { persist } from '#client/resume.ts'
import type { Live } from './live.ts'
import { Refetch } from './refetch.ts'
import type { Sink, Source } from './resource.ts'
import { keyOf, useResource } from './use-resource.ts'

export interface QueryOptions {
  /** Fetches nothing while true. */
  readonly skip?: boolean | undefined
  /** Events after which the data is fetched again; without them it is fetched once, and by `refresh`. */
  readonly live?: EventSelection | undefined
}

export interface QueryState<Data> extends Live<Data> {
  /** Fetches again; resolves when the answer is there. */
  readonly refresh: () => Promise<void>
}

/** The answer to a query, fetched again after each of the events that are given. */
export function useQuery<Data, Variables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  { skip = false, live }: QueryOptions = {},
): QueryState<Data> {
  const key = skip ? undefined : keyOf('query', nameOf(document), variables, live)
  return useResource<Data>(key, querySource(document, variables, live && eventsOf(live)))
}

/** The name of a document's operation. */
function nameOf(document: TypedDocumentNode<unknown, never> | { readonly definitions: readonly unknown[] }): string {
  const [definition] = document.definitions as readonly { name?: { value: string } }[]
  return definition?.name?.value ?? ''
}

/** What says that something has changed; each update calls `changed`. */
export type Follow<Data> = (sink: Sink<Data>, refetch: Refetch) => Promise<void>

/** Fetches, and fetches again whenever `follow` asks for it. */
export function querySource<Data, Variables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  follow: Follow<Data> | undefined,
): Source<Data> {
  return async (sink) => {
    const refetch = new Refetch(sink, async () => sink.set(await fetchData(sink, document, variables)))
    await Promise.all([refetch.now(), follow?.(sink, refetch)])
  }
}

/** One answer, through outages. */
export function fetchData<Data, Variables>(
  sink: Sink<unknown>,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const { client, signal } = sink
  return persist(() => client.request(document, variables, { signal }), sink.follow())
}

/** Any of these events. A caller who may not see them has data that stands still, and no error. */
export function eventsOf<Data>(selection: EventSelection): Follow<Data> {
  return (sink, refetch) =>
    quietly(sink, async () => {
      for await (const _ of followEvents(
        sink.client,
        selection,
        sink.follow(() => refetch.connected()),
      ))
        refetch.soon()
    })
}

const quietCodes: ReadonlySet<unknown> = new Set(['FORBIDDEN', 'NOT_FOUND'])

/** Follows what may be missing, or closed to a caller who may read the data: the answer to the query says what is there. */
export async function quietly(sink: Sink<unknown>, follow: () => Promise<void>): Promise<void> {
  try {
    await follow()
  } catch (error) {
    if (sink.signal.aborted || quietCodes.has((error as { code?: string }).code)) return
    throw error
  }
}
