import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import { createYoga, type YogaServerInstance } from 'graphql-yoga'
import { nobody, type RequestOrigin } from '#domain/access/caller.ts'
import type { Caller } from '#domain/access/service.ts'
import { type Context, schema } from '#schema/index.ts'
import { operationOf } from './operation-facts.ts'
import { refusals } from './refusals.ts'

export const graphqlPath = '/graphql'

/** The largest request, in bytes: a thousand tasks fit. */
export const bodyBytes = 4 * 1024 * 1024

export interface GraphqlServerOptions {
  /** What a caller's resolvers get. */
  readonly contextOf: (caller: Caller, request: RequestOrigin) => Context
  readonly maskError: (error: unknown) => GraphQLError
}

/** What a transport hands in with each operation. */
export interface OperationContext {
  /** Undefined: anonymous. */
  readonly caller: Caller | undefined
  /** How the request came. */
  readonly origin: RequestOrigin
  readonly req?: IncomingMessage
  readonly res?: ServerResponse
  /** Whether the client takes a stream as its answer; undefined where all do. */
  readonly acceptsStream?: boolean
}

export type GraphqlServer = YogaServerInstance<OperationContext, Context>

/** Yoga with our schema: parsing, validation, execution and masking are the same for HTTP, SSE, WebSocket and REST. */
export function createGraphqlServer({ contextOf, maskError }: GraphqlServerOptions): GraphqlServer {
  return createYoga<OperationContext, Context>({
    schema,
    graphqlEndpoint: graphqlPath,
    landingPage: false,
    graphiql: false,
    context: ({ caller, origin, params }) => contextOf(caller?.in(operationOf(params)) ?? nobody(origin), origin),
    plugins: [refusals(maskError)],
    maskedErrors: { maskError: (error) => maskError(error) },
    logging: false,
    multipart: false,
    batching: false,
    cors: false,
    maxRequestBodySize: bodyBytes,
  })
}
