import type { IncomingMessage } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import type { Context, Handler } from 'hono'
import type { Caller } from '#domain/access/service.ts'
import { RateLimited } from '#domain/limits/errors.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { anonymousBytes } from '#transport/body.ts'
import { mustBeEncodedUtf8 } from '#transport/content.ts'
import type { GraphqlServer } from '#transport/graphql/server.ts'
import { publicPathOf } from '#transport/public-path.ts'
import { type RequestAuth, unlessEnded } from '#transport/request-auth.ts'
import { sessionParameter } from '#transport/session-cookies.ts'
import { acceptsJson, hasBody, isForm, readForm, readJson } from './body.ts'
import { check } from './health.ts'
import { type Operations, operationsOf } from './operations.ts'
import { addressed, Refused } from './refused.ts'
import type { RestRequest } from './request.ts'
import { type Answer, answersJson, defaultBodyLimit, prefixes, type Route } from './route.ts'
import { streamOf } from './streamed.ts'
import { targetUrl } from './target-url.ts'

export interface BridgeOptions {
  readonly server: GraphqlServer
  readonly auth: RequestAuth
  /** Where this installation is reached; derived from each request when undefined. */
  readonly publicUrl: string | undefined
  readonly log: Logger
}

type Env = { Bindings: HttpBindings }

/** Runs rows: who asks, what is asked, the row's own work, the answer; in this order. */
export function createBridge({ server, auth, publicUrl, log }: BridgeOptions) {
  const publicPath = publicPathOf(publicUrl)

  /** How a row is served. */
  function serve(route: Route): Handler<Env> {
    return async (context) => {
      const req = context.env.incoming as IncomingMessage
      const ended = new AbortController()
      let isAnswered = false
      const caller = await callerOf(route, req, () => (isAnswered ? req.socket.destroy() : ended.abort()))
      const work = route.isUncounted ? undefined : auth.begin(req, route.bodyLimit ?? defaultBodyLimit)
      const operations = operationsOf(server, {
        caller,
        origin: auth.originOf(req),
        allowance: auth.allowanceOf(req),
        work,
      })
      const isAnonymous = caller === undefined
      const request = await requestOf(route, context, {
        auth,
        publicPath,
        operations,
        isAnonymous,
        ended: ended.signal,
      })
      const answer = await unlessEnded(route.handle(request), ended.signal).catch((error: unknown) => {
        throw addressed(error, caller)
      })
      // From here on an answer is being sent, which can only be cut.
      isAnswered = true
      return respond(answer, context)
    }
  }

  /** `end` is called when the caller's right ends while the request is under way. */
  async function callerOf(
    { access: needs, isUncounted }: Route,
    req: IncomingMessage,
    end: () => void,
  ): Promise<Caller | undefined> {
    if (needs === 'token') return auth.authenticate(req, end)
    if (isUncounted === true) return auth.isAnonymous(req) ? undefined : check(() => auth.authenticate(req))
    if (!auth.isAnonymous(req)) return knownCaller(auth, req)
    await auth.allowAnonymous(req)
    return undefined
  }

  function respond({ status, headers = {}, cookies = [], body }: Answer, { env }: Context<Env>): Response {
    const all = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers }
    const content = isIterable(body) ? streamOf(body, (error) => breakOff(error, env)) : (body ?? null)
    const response = new Response(content, { status, headers: all })
    for (const cookie of cookies) response.headers.append('set-cookie', cookie)
    return response
  }

  /** What was promised can't be sent any more: the client learns it from a connection that ends too early. */
  function breakOff(error: unknown, { outgoing }: HttpBindings): void {
    log.warn({ err: error, requestId: outgoing.getHeader('x-request-id') }, 'a download broke off')
    outgoing.destroy()
  }

  return { serve }
}

/**
 * The caller of something that is open to everybody; undefined when the token is not valid, or nobody can say now.
 * @throws {RateLimited} also for an address that sends tokens which are not valid
 */
export async function knownCaller(auth: RequestAuth, req: IncomingMessage): Promise<Caller | undefined> {
  const known = await check(() => auth.authenticate(req).catch(orRateLimited))
  if (known instanceof RateLimited) throw known
  return known
}

function orRateLimited(error: unknown): RateLimited {
  if (error instanceof RateLimited) return error
  throw error
}

async function requestOf(
  route: Route,
  { req, env }: Context<Env>,
  {
    auth,
    publicPath,
    ended,
    ...known
  }: { auth: RequestAuth; publicPath: string; operations: Operations; isAnonymous: boolean; ended: AbortSignal },
): Promise<RestRequest> {
  const incoming = env.incoming as IncomingMessage
  if (answersJson(route)) acceptsJson(req.header('accept'))
  const { pathname: path, search, searchParams: query } = targetUrl(req.url)
  mustBeEncodedUtf8(search)
  // Who asks is no concern of routes.
  query.delete(sessionParameter)
  if (!isDecodable(path)) throw new Refused('MALFORMED_REQUEST', 'The path is not percent-encoded UTF-8.')
  return {
    method: req.method,
    path: `${publicPath}${path}`,
    prefix: `${publicPath}${prefixes.find((prefix) => route.place === 'prefixed' && path.startsWith(prefix)) ?? ''}`,
    params: req.param() as Record<string, string>,
    query,
    headers: req.header(),
    body: await bodyOf(route, incoming, auth, known.isAnonymous),
    signal: AbortSignal.any([req.raw.signal, ended]),
    ...known,
  }
}

/** Names that can't be decoded would be taken as they are written, so that one name had several spellings. */
function isDecodable(path: string): boolean {
  try {
    return decodeURIComponent(path) !== ''
  } catch {
    return false
  }
}

async function bodyOf(
  { body, bodyIsOptional, bodyOfForm, bodyLimit = defaultBodyLimit }: Route,
  incoming: IncomingMessage,
  auth: RequestAuth,
  isAnonymous: boolean,
): Promise<unknown> {
  if (body === undefined) return undefined
  const limit = isAnonymous ? Math.min(bodyLimit, anonymousBytes) : bodyLimit
  if (bodyOfForm !== undefined && isForm(incoming)) return bodyOfForm(await readForm(incoming, auth, limit))
  return bodyIsOptional && !hasBody(incoming) ? {} : readJson(incoming, auth, limit)
}

function isIterable(body: Answer['body']): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && Symbol.asyncIterator in body
}
