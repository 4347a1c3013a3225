import type { DocumentNode, GraphQLError } from 'graphql'
import { createYoga, type YogaServerInstance } from 'graphql-yoga'
import { LRUCache } from 'lru-cache'
import { nobody, type RequestOrigin } from '#domain/access/caller.ts'
import type { Caller } from '#domain/access/service.ts'
import type { LimitService } from '#domain/limits/service.ts'
import { type Context, schema } from '#schema/index.ts'
import { type DocumentLimits, dependsOnCaller } from './document-limits.ts'
import { limitsPlugin } from './limits.ts'
import type { OperationContext } from './operation-context.ts'
import { operationOf } from './operation-facts.ts'
import { type PersistedOperations, persistedOperationsPlugin } from './persisted-operations.ts'
import { refusals } from './refusals.ts'
import { sharedSubscriptionsPlugin } from './shared-subscriptions.ts'

export const graphqlPath = '/graphql'

export interface GraphqlServerOptions {
  /** What a caller's resolvers get. */
  readonly contextOf: (caller: Caller, request: RequestOrigin, whenLeft: () => AbortSignal) => Context
  readonly maskError: (error: unknown) => GraphQLError
  readonly limits: Pick<LimitService, 'check' | 'operationCost'>
  readonly documentLimits: DocumentLimits
  /** The only operations that are answered; all when undefined. */
  readonly persisted: PersistedOperations | undefined
  /** The largest request, in bytes. */
  readonly bodyBytes: number
}

/** What parsed queries, or their errors, may take of memory, in bytes, as far as it can be estimated. */
const cachedBytes = 64 * 1024 * 1024
const cacheSizes = { max: 1_000, maxSize: cachedBytes, ttl: 3_600_000 }
/** Of a text's characters, and of what the parser makes of a token (measured). */
const characterBytes = 2
const tokenBytes = 400

/** The document, or the error, that a query's text came to. */
function parseCache<Value extends DocumentNode | Error>() {
  const cache = new LRUCache<string, Value>({ ...cacheSizes, sizeCalculation: bytesOf })
  return {
    get: (text: string) => cache.get(text),
    set(text: string, value: Value) {
      if (!(value instanceof Error && dependsOnCaller(value))) cache.set(text, value)
    },
  }
}

function bytesOf(parsed: DocumentNode | Error, text: string): number {
  const tokens = 'tokenCount' in parsed ? (parsed.tokenCount ?? 0) : 0
  return 1 + text.length * characterBytes + tokens * tokenBytes
}

const neverLeft = () => new AbortController().signal

export type GraphqlServer = YogaServerInstance<OperationContext, Context>

/** Yoga with our schema: parsing, validation, execution and masking are the same for HTTP, SSE, WebSocket and REST. */
export function createGraphqlServer(options: GraphqlServerOptions): GraphqlServer {
  const { contextOf, maskError, limits, documentLimits, persisted, bodyBytes } = options
  return createYoga<OperationContext, Context>({
    schema,
    graphqlEndpoint: graphqlPath,
    landingPage: false,
    graphiql: false,
    context: ({ caller, origin, params, whenLeft = neverLeft }) => {
      const operation = operationOf(params)
      const request = { ...origin, operation }
      return contextOf(caller?.in(operation) ?? nobody(request), request, whenLeft)
    },
    plugins: [
      refusals(maskError),
      // In place of its own `no-cache` for streams.
      { onResponse: ({ response }) => response.headers.set('cache-control', 'no-store') },
      limitsPlugin({ limits, document: documentLimits, maskError }),
      sharedSubscriptionsPlugin(maskError),
      ...(persisted ? [persistedOperationsPlugin(persisted, maskError)] : []),
    ],
    extraParamNames: persisted ? ['documentId'] : [],
    // Yoga's own count texts, of which each could be as large as a request.
    parserAndValidationCache: { documentCache: parseCache<DocumentNode>(), errorCache: parseCache<Error>() },
    maskedErrors: { maskError: (error) => maskError(error) },
    logging: false,
    multipart: false,
    batching: false,
    cors: false,
    maxRequestBodySize: bodyBytes,
  })
}
