import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { GraphQLError } from 'graphql'
import { type Context, Hono } from 'hono'
import type { Logger } from '#platform/telemetry/log.ts'
import type { GraphqlServer } from '#transport/graphql/server.ts'
import type { RequestAuth } from '#transport/request-auth.ts'
import { shownPath } from '#transport/shown-path.ts'
import { createBridge, knownCaller } from './bridge.ts'
import { createHealth, type HealthSources } from './health.ts'
import { problemResponse } from './problem.ts'
import { Refused, refusedByError } from './refused.ts'
import { prefixes, type Route } from './route.ts'
import { createRoutes } from './routes/table.ts'
import { targetUrl } from './target-url.ts'

export interface RestOptions {
  readonly server: GraphqlServer
  readonly auth: RequestAuth
  readonly maskError: (error: unknown) => GraphQLError
  readonly health: HealthSources
  /** Whether this process answers more than how it is. */
  readonly api: boolean
  /** The public keys of access tokens. */
  readonly jwks: () => Promise<object>
  /** Where this installation is reached; derived from each request when undefined. */
  readonly publicUrl: string | undefined
  /** Whether there is a page for trying queries. */
  readonly graphiql: boolean
  /** Of this server, for the documentation. */
  readonly version: string
  readonly log: Logger
}

type Env = { Bindings: HttpBindings }

/** Answers the documented paths under `/api` and `/sfp/api`, and the health paths outside of them; 404 for the rest. */
export function createRest(options: RestOptions): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  const { auth, maskError, health, version, api, jwks, publicUrl, graphiql } = options
  const bridge = createBridge(options)
  const app = new Hono<Env>()
  const routes = createRoutes({ health: createHealth(health), version, api, jwks, publicUrl, graphiql })
  for (const route of routes)
    for (const path of pathsOf(route)) app.on(route.method.toUpperCase(), path, bridge.serve(route))
  for (const [path, allow] of methodsByPath(routes)) app.all(path, (context) => otherMethod(context, allow))

  app.notFound(async (context) => {
    const { method } = context.req
    const path = shownPath(context.req.path)
    const isKnown = await knownCaller(auth, context.env.incoming as IncomingMessage)
    return problem(
      context,
      new Refused('NOT_FOUND', isKnown ? `There is no ${method} ${path}.` : 'There is nothing here.'),
    )
  })
  app.onError((error, context) => {
    // The client has gone, and a request body that broke off is not a server error.
    if (context.req.raw.signal.aborted) return new Response(null, { status: 499 })
    return problem(context, error instanceof Refused ? error : refusedByError(maskError(error)))
  })
  return getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    errorHandler: refuseAddress,
  })
}

/** Refuses a request without a valid address: it reaches no route, and has no path to name. */
function refuseAddress(): Response {
  const refused = new Refused('MALFORMED_REQUEST', 'The address or the Host header is not valid.')
  return problemResponse(refused, { path: '', requestId: '' })
}

/** Every path of a row, as Hono writes parameters. */
function pathsOf({ path, place }: Route): string[] {
  const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1')
  return place === 'root' ? [pattern] : prefixes.map((prefix) => `${prefix}${pattern}`)
}

function methodsByPath(routes: readonly Route[]): Map<string, string> {
  const methods = Map.groupBy(
    routes.flatMap((route) => pathsOf(route).map((path) => ({ path, method: route.method.toUpperCase() }))),
    ({ path }) => path,
  )
  return new Map([...methods].map(([path, rows]) => [path, allowOf(rows.map(({ method }) => method))]))
}

function allowOf(methods: readonly string[]): string {
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
}

function otherMethod(context: Context<Env>, allow: string): Response {
  const { method } = context.req
  if (method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow } })
  const { path } = context.req
  const message = `${shownPath(path)} can't be asked with ${method}, only with ${allow}.${hintOn(method, path)}`
  return problem(context, new Refused('METHOD_NOT_ALLOWED', message, { headers: { allow } }))
}

/** Which path does what was probably meant by a method that a path doesn't have; empty when that is not known. */
function hintOn(method: string, path: string): string {
  const prefix = prefixes.find((one) => path.startsWith(`${one}/`)) ?? ''
  const meant = meantInstead[`${method} ${path.slice(prefix.length)}`]
  return meant === undefined ? '' : ` ${meant.what} with ${meant.method} ${prefix}${meant.path}.`
}

const meantInstead: Readonly<Record<string, { what: string; method: string; path: string }>> = {
  'POST /events': { what: 'Publish an event', method: 'POST', path: '/webhooks/trigger' },
}

function problem({ req, env }: Context<Env>, refused: Refused): Response {
  return problemResponse(refused, {
    path: shownPath(targetUrl(req.url).pathname),
    requestId: String(env.outgoing.getHeader('x-request-id') ?? ''),
  })
}
