import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ExecutionResult, GraphQLError } from 'graphql'
import type { AccessService, Caller } from '#domain/access/service.ts'
import { isRecord } from '#lib/json.ts'
import { BodyTooLarge, readBody } from '#transport/body.ts'
import { requestToken } from '#transport/credentials.ts'
import { type OperationParams, prepareOperation } from './operation.ts'
import { bodyBytes, type GraphqlServer } from './server.ts'

export interface GraphqlHttpOptions {
  readonly server: GraphqlServer
  readonly access: AccessService
  readonly maskError: (error: unknown) => GraphQLError
  readonly graphiql: boolean
}

const modernType = 'application/graphql-response+json'
const legacyType = 'application/json'

/**
 * Answers requests to `/graphql`: who has no valid token gets 401, or GraphiQL's page where that is on.
 *
 * The plain case, one JSON request for one JSON answer, goes straight through Yoga's pipeline (parse, validate, execute,
 * with its caches and plugins), without its conversion to `Request` and `Response` and back, which costs twice as much
 * as the rest together. Everything else, such as streams, GET and whatever is not well-formed, is Yoga's own to answer.
 */
export function createGraphqlHttp({ server, access, maskError, graphiql }: GraphqlHttpOptions) {
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (graphiql && isPageRequest(req)) return server.handle(req, res)
    try {
      const caller = await access.authenticate(requestToken(req.headers))
      if (isPlain(req)) return await answerPlain(req, res, caller)
      await server.handle(req, res, { req, res, caller })
    } catch (error) {
      if (error instanceof BodyTooLarge)
        return refuse(req, res, 413, { message: error.message, extensions: { code: error.code } })
      const { message, extensions } = maskError(error)
      const { http, ...rest } = extensions as { http?: { status: number } }
      refuse(req, res, http?.status ?? 500, { message, extensions: rest })
    }
  }

  async function answerPlain(req: IncomingMessage, res: ServerResponse, caller: Caller): Promise<void> {
    const body = await readBody(req, bodyBytes)
    const params = plainParams(body)
    const operation = params && (await prepareOperation(server, { caller, req, res }, params))
    if (operation === undefined || !('run' in operation) || operation.isStream)
      return answerByYoga(req, res, caller, body)
    send(req, res, (await operation.run()) as ExecutionResult)
  }

  /** Hands a request whose body was read already to Yoga. */
  async function answerByYoga(req: IncomingMessage, res: ServerResponse, caller: Caller, body: Buffer): Promise<void> {
    Object.assign(req, { body })
    await server.handle(req, res, { req, res, caller })
  }
}

function isPageRequest(req: IncomingMessage): boolean {
  return req.method === 'GET' && (req.headers.accept ?? '').includes('text/html')
}

/** One JSON request that wants one JSON answer; GraphQL over HTTP §5 and §6. */
function isPlain({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'POST' &&
    headers['content-encoding'] === undefined &&
    /^application\/json(; *charset=utf-8)?$/i.test(headers['content-type'] ?? '') &&
    /^(\*\/\*|application\/json|application\/graphql-response\+json)?$/.test(headers.accept ?? '')
  )
}

const paramNames = new Set(['query', 'variables', 'operationName', 'extensions'])

function plainParams(body: Buffer): OperationParams | undefined {
  const params = parseJson(body)
  if (!isRecord(params) || Object.keys(params).some((name) => !paramNames.has(name))) return undefined
  const { query, variables, operationName } = params
  if (typeof query !== 'string' || !(variables == null || isRecord(variables))) return undefined
  if (!(operationName == null || typeof operationName === 'string')) return undefined
  return { query, variables, operationName }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

/** An answer without data means that nothing was executed: 400 where the media type can say so (GraphQL over HTTP §6.4.2). */
function send(req: IncomingMessage, res: ServerResponse, result: ExecutionResult): void {
  const { status, errors } = withoutHttp(result.errors)
  const type = answerType(req)
  const plainStatus = !('data' in result) && type === modernType ? 400 : 200
  const text = JSON.stringify({ ...result, ...(errors && { errors }) })
  res.writeHead(status ?? plainStatus, {
    'content-type': `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(text),
  })
  res.end(text)
}

/** What errors say of the HTTP status is for us, not for the client. */
function withoutHttp(errors: readonly GraphQLError[] | undefined) {
  let status: number | undefined
  const rest = errors?.map((error) => {
    const { http, ...extensions } = (error.extensions ?? {}) as { http?: { status?: number } }
    status ??= http?.status
    return { ...(typeof error.toJSON === 'function' ? error.toJSON() : error), extensions }
  })
  return { status, errors: rest }
}

function answerType(req: IncomingMessage): string {
  return req.headers.accept === modernType ? modernType : legacyType
}

/** Answers in the form of GraphQL over HTTP §6.4: a well-formed response without data. */
function refuse(req: IncomingMessage, res: ServerResponse, status: number, error: object): void {
  const modern = (req.headers.accept ?? '').includes(modernType)
  req.resume()
  res.writeHead(status, {
    'content-type': `${modern ? modernType : legacyType}; charset=utf-8`,
    ...(status === 401 && { 'www-authenticate': 'Bearer realm="signalbox"' }),
    ...(status === 413 && { connection: 'close' }),
  })
  res.end(JSON.stringify({ errors: [error] }))
}
