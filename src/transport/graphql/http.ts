import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ExecutionResult, GraphQLError } from 'graphql'
import { Unauthenticated } from '#domain/access/errors.ts'
import type { Caller } from '#domain/access/service.ts'
import type { Work } from '#domain/limits/work.ts'
import { errorTable } from '#lib/error-codes.ts'
import { isRecord } from '#lib/json.ts'
import { anonymousBytes, BodyTooLarge, drain } from '#transport/body.ts'
import { mediaTypeOf, mustBePlainUtf8, textOf } from '#transport/content.ts'
import { type RequestAuth, unlessEnded } from '#transport/request-auth.ts'
import { type Accepted, acceptedBy, type JsonType, legacyType, modernType } from './accept.ts'
import { automaticPersistedQueryFault } from './automatic-persisted-query.ts'
import { formatError, httpHint, kindOf } from './errors.ts'
import { type OperationParams, prepareOperation } from './operation.ts'
import type { PersistedOperations } from './persisted-operations.ts'
import { readQueryString } from './query-string.ts'
import type { GraphqlServer } from './server.ts'

export interface GraphqlHttpOptions {
  readonly server: GraphqlServer
  readonly auth: RequestAuth
  readonly maskError: (error: unknown) => GraphQLError
  /** The only operations that are answered; all when undefined. */
  readonly persisted: PersistedOperations | undefined
  /** The largest request, in bytes. */
  readonly bodyBytes: number
}

/** One request under way. */
interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** Undefined: anonymous. */
  caller: Caller | undefined
  readonly accepted: Accepted
  /** Called when the caller's right ends while the request is under way. */
  end: () => void
}

/**
 * Answers requests to `/graphql`; one without a valid token gets 401.
 *
 * The plain case, one JSON request for one JSON answer, goes straight through Yoga's pipeline (parse, validate, execute,
 * with its caches and plugins), without its conversion to `Request` and `Response` and back, which costs twice as much
 * as the rest together. Everything else, such as streams, GET and whatever is not well-formed, is Yoga's own to answer.
 */
export function createGraphqlHttp(options: GraphqlHttpOptions) {
  const { server, auth, maskError, persisted, bodyBytes } = options

  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    // Answers may hold tokens (signIn), and are what their type says (RFC 9111 §5.2.2.5).
    res.setHeader('cache-control', 'no-store').setHeader('x-content-type-options', 'nosniff')
    const accepted = acceptedBy(req.headers.accept)
    try {
      const exchange: Exchange = { req, res, caller: undefined, accepted, end: () => req.socket.destroy() }
      exchange.caller = await callerOf(req, () => exchange.end())
      await answer(exchange)
    } catch (error) {
      // Nobody is there any more to be told.
      if (!res.destroyed) refuse(req, res, accepted, maskError(error))
    }
  }

  /** Undefined: anonymous. */
  async function callerOf(req: IncomingMessage, end: () => void): Promise<Caller | undefined> {
    if (!auth.isAnonymous(req)) return auth.authenticate(req, end)
    await auth.allowAnonymous(req)
    return undefined
  }

  async function answer(exchange: Exchange): Promise<void> {
    const { req, res, accepted } = exchange
    if (accepted.json === undefined && !accepted.stream) throw notAcceptable()
    if (Number(req.headers['content-length'] ?? 0) > bodyBytes) throw new BodyTooLarge(bodyBytes)
    // Whatever is not plain would be Yoga's to answer, which knows nothing of what is for everybody.
    if (exchange.caller === undefined && !isPlain(req)) throw new Unauthenticated()
    if (isOtherMedia(req)) throw unsupported()
    mustBePlainUtf8(req.headers)
    const fault = refusedQuery(readQueryString(req))
    if (fault !== undefined) return send(res, accepted.json ?? legacyType, fault)
    const maxBytes = exchange.caller === undefined ? anonymousBytes : bodyBytes
    const work = auth.begin(req, maxBytes)
    if (accepted.json === undefined || !isPlain(req)) return answerByYoga(exchange, work)
    const body = await auth.readBody(req, maxBytes)
    work.shrink(body.length)
    return answerPlain(exchange, work, body, accepted.json)
  }

  async function answerPlain(exchange: Exchange, work: Work, body: Buffer, type: JsonType): Promise<void> {
    const { req, res, caller } = exchange
    const text = textOf(body)
    const given = parseJson(text)
    const fault = isRecord(given) ? refusedQuery(given) : undefined
    if (fault !== undefined) return send(res, type, fault)
    const params = plainParams(given, persisted)
    // Yoga reads the body again, and knows nothing of byte order marks.
    const unmarked = body.subarray(body.length - Buffer.byteLength(text))
    if (params === undefined) return answerByYoga(exchange, work, unmarked)
    const origin = auth.originOf(req)
    const allowance = auth.allowanceOf(req)
    const ended = new AbortController()
    const operation = await prepareOperation(
      server,
      { caller, origin, req, res, allowance, work, whenLeft: () => AbortSignal.any([left(res), ended.signal]) },
      params,
    )
    if (!('run' in operation)) return send(res, type, { errors: operation.map(maskError) })
    if (operation.isStream) return answerByYoga(exchange, work, unmarked)
    exchange.end = () => ended.abort()
    const result = (await unlessEnded(operation.run(), ended.signal)) as ExecutionResult
    exchange.end = () => req.socket.destroy()
    send(res, type, result)
  }

  /** The answer to a request that has a query's hash alone, where no operations are persisted. */
  function refusedQuery(params: { readonly query?: unknown; readonly extensions?: unknown }) {
    const fault = persisted === undefined ? automaticPersistedQueryFault(params) : undefined
    return fault && { errors: [maskError(fault)] }
  }

  /** Hands a request to Yoga, with its body if that was read already. */
  async function answerByYoga(exchange: Exchange, work: Work, body?: Buffer): Promise<void> {
    const { req, res, caller, accepted } = exchange
    if (caller === undefined) throw new Unauthenticated()
    if (body !== undefined) Object.assign(req, { body })
    // Yoga goes by the order of the types alone.
    if (accepted.json !== undefined && !accepted.stream) req.headers.accept = accepted.json
    const whenLeft = () => left(res)
    const known = { caller, origin: auth.originOf(req), allowance: auth.allowanceOf(req), work, whenLeft }
    await server.handle(req, res, { req, res, ...known, acceptsStream: accepted.stream })
  }
}

/** Aborts when the connection closes before the answer is out. */
function left(res: ServerResponse): AbortSignal {
  const controller = new AbortController()
  if (res.destroyed) controller.abort()
  res.once('close', () => res.writableFinished || controller.abort())
  return controller.signal
}

/**
 * A body that is not JSON, such as a browser sends for any page without asking before (Fetch §4.8.2). It is refused
 * whatever the caller, so that nothing depends on how tokens are sent.
 */
function isOtherMedia({ method, headers }: IncomingMessage): boolean {
  return method === 'POST' && !/^application\/([\w.-]+\+)?json$/.test(mediaTypeOf(headers))
}

function unsupported(): GraphQLError {
  return new GraphQLError('Send operations with "Content-Type: application/json".', {
    extensions: { http: { status: 415 } },
  })
}

/** One request in JSON; GraphQL over HTTP §5. */
function isPlain({ method, headers }: IncomingMessage): boolean {
  return method === 'POST' && mediaTypeOf(headers) === 'application/json'
}

const paramNames = new Set(['query', 'variables', 'operationName', 'extensions'])

/** What is asked, when it is well-formed. */
function plainParams(params: unknown, persisted: PersistedOperations | undefined): OperationParams | undefined {
  if (!isRecord(params)) return undefined
  const query = persisted === undefined ? params['query'] : persisted.resolve(params)
  if (Object.keys(params).some((name) => !paramNames.has(name) && !(persisted && name === 'documentId')))
    return undefined
  const { variables, operationName, extensions } = params
  if (typeof query !== 'string' || !isRecordOrAbsent(variables) || !isRecordOrAbsent(extensions)) return undefined
  if (!(operationName == null || typeof operationName === 'string')) return undefined
  return { query, variables, operationName }
}

function isRecordOrAbsent(value: unknown): value is Record<string, unknown> | null | undefined {
  return value == null || isRecord(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function send(res: ServerResponse, type: JsonType, result: ExecutionResult): void {
  const { errors, ...rest } = result
  const text = JSON.stringify({ ...(errors && { errors: errors.map(formatError) }), ...rest })
  res.writeHead(statusOf(result, type), {
    'content-type': `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(text),
    ...retryAfter(errors),
  })
  res.end(text)
}

/** When the whole request is worth trying again (RFC 9110 §10.2.3), where an error says so. */
function retryAfter(errors: readonly GraphQLError[] = []): { 'retry-after'?: string } {
  const waits = errors.flatMap((error) => httpHint(error).retryAfterMs ?? [])
  return waits.length === 0 ? {} : { 'retry-after': String(Math.ceil(Math.max(...waits) / 1000)) }
}

/** An answer without data means that nothing was executed: 400 where the media type can say so (GraphQL over HTTP §6.4.2). */
function statusOf(result: ExecutionResult, type: JsonType): number {
  const hints = (result.errors ?? []).map(httpHint).filter(({ spec }) => !spec || type === modernType)
  const statuses = hints.flatMap(({ status }) => status ?? [])
  if (statuses.length > 0) return Math.max(...statuses)
  return !('data' in result) && type === modernType ? 400 : 200
}

/** Answers with a well-formed response without data (GraphQL over HTTP §6.4). */
function refuse(req: IncomingMessage, res: ServerResponse, { json }: Accepted, error: GraphQLError): void {
  drain(req)
  const kind = kindOf(error)
  const { status = kind === undefined ? 500 : errorTable[kind].status, retryAfterMs } = httpHint(error)
  res.writeHead(status, {
    'content-type': `${json ?? legacyType}; charset=utf-8`,
    ...(retryAfterMs !== undefined && { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }),
    ...(status === 401 && { 'www-authenticate': 'Bearer realm="signalbox"' }),
    ...retryAfter([error]),
  })
  res.end(JSON.stringify({ errors: [formatError(error)] }))
}

function notAcceptable(): GraphQLError {
  return new GraphQLError(
    `Responses are available as ${modernType}, ${legacyType} or, for streams, text/event-stream.`,
    {
      extensions: { http: { status: 406 } },
    },
  )
}
