import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { z } from 'zod'
import type { Operations, Succeeded } from './operations.ts'
import { Refused, renamed } from './refused.ts'
import { parseRequest, type RequestSchemas, type RestRequest } from './request.ts'

/** The prefixes under which every documented path is answered. */
export const prefixes = ['/api', '/sfp/api'] as const

/** The largest body where a row says nothing else, in bytes. */
export const defaultBodyLimit = 1024 * 1024

/** What a row answers with. An iterable body is read as fast as the client takes it, and not at all for HEAD. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Each as a `Set-Cookie` has it. */
  readonly cookies?: readonly string[]
  readonly body?: string | Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array>
}

/** An answer in JSON. */
export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, body: JSON.stringify(value), headers: { 'content-type': 'application/json', ...headers } }
}

/** One kind of answer, for readers of the documentation. */
export interface AnswerDocs {
  readonly description: string
  /** The body as JSON; absent when there is none, or none of this kind. */
  readonly schema?: z.ZodType
  /** The media type of a body that is not JSON. */
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly example?: unknown
}

/** What every row says of itself: where it stands, what it takes, and its documentation. */
interface RouteDocs {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** Without prefix, with parameters as in OpenAPI: `/tasks/{operationId}/status`. */
  readonly path: string
  /** Unique; the operation's name in OpenAPI. */
  readonly name: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly answers: Readonly<Record<number, AnswerDocs>>
  /** Statuses of problems beside those that any such row can have. */
  readonly refusals?: readonly number[]
  /** A request without a body is taken as one with an empty object. */
  readonly bodyIsOptional?: boolean
  /** The largest body, in bytes. */
  readonly bodyLimit?: number
  readonly bodyExamples?: Readonly<Record<string, unknown>>
  /** The media types that the body may have, each with its own schema, where it is not only `application/json`. */
  readonly bodyTypes?: Readonly<Record<string, { readonly schema: z.ZodType; readonly example: unknown }>>
  /** The body that the fields of a form stand for, where forms are accepted beside JSON. */
  readonly bodyOfForm?: (fields: URLSearchParams) => unknown
}

/** A row of the table: one method on one path. */
export interface Route extends RouteDocs, RequestSchemas {
  /** `token`: only with a valid one. `open`: anonymous callers too. */
  readonly access: 'token' | 'open'
  /** Anybody may ask at any time, and is not counted. */
  readonly isUncounted?: boolean
  /** `prefixed`: under both prefixes. `root`: outside of them. */
  readonly place: 'prefixed' | 'root'
  /** @throws {Refused} */
  handle(request: RestRequest): Promise<Answer>
}

/** A path as the documentation has it. `signed`: only for a sender that proves itself by what it sends. */
export interface RouteDescription extends Omit<Route, 'handle' | 'access'> {
  readonly access: Route['access'] | 'signed'
}

/** Whether a row answers in JSON, so that the client has to accept it; other bodies come as they are. */
export function answersJson({ access, answers }: RouteDescription): boolean {
  return access === 'token' && Object.values(answers).some(({ schema }) => schema !== undefined)
}

/** A request whose pieces have been parsed, of a caller who is known. */
interface Asked<Params, Query, Headers, Body> extends Pick<RestRequest, 'method' | 'path' | 'prefix' | 'signal'> {
  readonly params: Params
  readonly query: Query
  readonly headers: Headers
  readonly body: Body
  readonly operations: Operations
}

/** A row that runs a GraphQL operation. */
export interface GraphqlRow<
  Data,
  Variables,
  Params extends z.ZodType,
  Query extends z.ZodObject,
  Headers extends z.ZodObject,
  Body extends z.ZodType,
> extends RouteDocs {
  readonly params?: Params
  readonly query?: Query
  readonly headers?: Headers
  readonly body?: Body
  /** `open`: anonymous callers too; the operation is for everybody. Default: `token`. */
  readonly access?: Route['access']
  readonly document: TypedDocumentNode<Data, Variables>
  /** What REST calls the operation's inputs, for the paths of issues: `{ input: 'data' }`. */
  readonly names?: Readonly<Record<string, string>>
  /** How the request becomes the operation's variables. */
  variables(
    asked: Asked<z.output<Params>, z.output<Query>, z.output<Headers>, z.output<Body>>,
  ): Variables | Promise<Variables>
  /** What a refusal of the operation means in REST, where that is not the same. */
  refused?(
    refused: Refused,
    asked: Asked<z.output<Params>, z.output<Query>, z.output<Headers>, z.output<Body>>,
  ): Refused
  /** How the result becomes the answer; failures have been refused before. */
  answer(
    data: Succeeded<Data>,
    asked: Asked<z.output<Params>, z.output<Query>, z.output<Headers>, z.output<Body>>,
  ): Answer | Promise<Answer>
}

/** Makes a row out of an operation and the two ways between it and HTTP. */
export function defineRoute<
  Data,
  Variables,
  Params extends z.ZodType = z.ZodUnknown,
  Query extends z.ZodObject = z.ZodObject,
  Headers extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodUnknown,
>(row: GraphqlRow<Data, Variables, Params, Query, Headers, Body>): Route {
  const { document, variables, answer, refused, names = {}, access = 'token', ...docs } = row
  return {
    ...docs,
    access,
    place: 'prefixed',
    async handle(request) {
      const { operations, method, path, prefix, signal } = request
      const asked = {
        method,
        path,
        prefix,
        signal,
        operations,
        ...parseRequest<Params, Query, Headers, Body>(row, request),
      }
      const data = await operations.run(document, await variables(asked)).catch((error: unknown) => {
        if (!(error instanceof Refused)) throw error
        throw renamed(refused?.(error, asked) ?? error, names)
      })
      return answer(data, asked)
    },
  }
}
