import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { RequestOrigin } from '#domain/access/caller.ts'
import type { AccessService, Caller } from '#domain/access/service.ts'
import type { HookService } from '#domain/hooks/service.ts'
import type { LimitService } from '#domain/limits/service.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { Context } from '#schema/index.ts'
import { createCrossOrigin } from './cross-origin.ts'
import type { DocumentLimits } from './graphql/document-limits.ts'
import { createErrorMask } from './graphql/errors.ts'
import { createGraphqlHttp } from './graphql/http.ts'
import type { PersistedOperations } from './graphql/persisted-operations.ts'
import { createGraphqlServer, graphqlPath } from './graphql/server.ts'
import { runWebhookDocument } from './graphql/webhook-document.ts'
import { serveWebsocket } from './graphql/websocket.ts'
import { type Handler, handlerOf, type PathHandlers } from './handler.ts'
import { createHookHandler, hookPaths } from './hooks/handler.ts'
import { hasOneHost, refuseHost } from './host.ts'
import { createMetricsHttp, metricsPath } from './metrics.ts'
import { onlyGet } from './only-get.ts'
import { consoleHandlers } from './pages/console/console-handler.ts'
import { createSessionHandler, sessionPath } from './pages/console/session-handler.ts'
import { devicePath } from './pages/device/cookies.ts'
import { createDeviceHandler } from './pages/device/handler.ts'
import { createDocsHandler, docsPath } from './pages/docs-handler.ts'
import { graphiqlFiles, withGraphiql } from './pages/graphiql.ts'
import { iconPath, serveIcon } from './pages/icon.ts'
import { tellLimits } from './rate-headers.ts'
import { RequestAuth } from './request-auth.ts'
import { createRest } from './rest/create-rest.ts'
import type { HealthSources } from './rest/health.ts'
import { SessionCookies } from './session-cookies.ts'
import { shownPath } from './shown-path.ts'

export interface ApiOptions {
  readonly http: Server
  readonly access: AccessService
  readonly hooks: HookService
  readonly limits: LimitService
  readonly documentLimits: DocumentLimits
  /** The only GraphQL operations that are answered; all when undefined. */
  readonly persisted: PersistedOperations | undefined
  /** The largest request to GraphQL, in bytes. */
  readonly bodyBytes: number
  /** How many bytes of bodies are held at once for callers who are not known. */
  readonly anonymousBodyBytes: number
  /** Whose pages may call from a browser. */
  readonly corsOrigins: readonly string[]
  /** Addresses and networks whose word on where a request came from is taken. */
  readonly trustedProxies: readonly string[]
  readonly contextOf: (caller: Caller, request: RequestOrigin, whenLeft: () => AbortSignal) => Context
  readonly health: HealthSources
  readonly metrics: Metrics
  /** Whether this process answers more than health and metrics. */
  readonly api: boolean
  /** Whether there is a page for trying queries. */
  readonly graphiql: boolean
  /** Where this installation is reached; derived from each request when undefined. */
  readonly publicUrl: string | undefined
  /** Whether people can sign in at an identity provider. */
  readonly hasProvider: boolean
  /** What the console calls this installation, and the color that it shows it by. */
  readonly instance: { readonly name: string | undefined; readonly color: string | undefined }
  readonly log: Logger
}

/** Serves all APIs with one HTTP server: GraphQL (HTTP, SSE, WebSocket), REST, health and metrics. */
export function serveApi(options: ApiOptions) {
  const { http, access, limits, documentLimits, contextOf, health, metrics, api, graphiql, publicUrl, log } = options
  const { hasProvider, hooks, persisted, bodyBytes, anonymousBodyBytes, corsOrigins, trustedProxies } = options
  const maskError = createErrorMask(log)
  const cookies = new SessionCookies(publicUrl)
  const auth = new RequestAuth({ access, limits, trustedProxies, anonymousBodyBytes, cookies })
  const server = createGraphqlServer({ contextOf, maskError, limits, documentLimits, persisted, bodyBytes })
  const websocket = api ? serveWebsocket({ http, server, auth, persisted, maskError, log }) : undefined
  const rest = createRest({
    server,
    jwks: access.jwks,
    publicUrl,
    auth,
    maskError,
    health,
    api,
    graphiql,
    version: health.version,
    log,
  })
  const crossOrigin = createCrossOrigin(corsOrigins)
  const handlers: PathHandlers = new Map([
    [iconPath, onlyGet(serveIcon)],
    [metricsPath, onlyGet(createMetricsHttp({ auth, metrics, maskError }))],
    ...(api ? apiHandlers() : []),
  ])

  function apiHandlers(): [path: string, Handler][] {
    const graphql = createGraphqlHttp({ server, auth, maskError, persisted, bodyBytes })
    const docs = createDocsHandler({ auth, maskError, publicUrl, version: health.version })
    const { version } = health
    const instance = { ...options.instance, version, graphiql, hasProvider }
    const hook = createHookHandler({ hooks, auth, maskError, onAnswered: metrics.domains.countHookCall })
    return [
      [graphqlPath, graphiql ? withGraphiql(graphql) : graphql],
      ...(graphiql ? graphiqlFiles(graphqlPath) : []),
      [devicePath, createDeviceHandler({ server, auth, maskError, publicUrl, hasProvider })],
      [sessionPath, createSessionHandler({ server, auth, access, cookies, maskError, instance })],
      ...consoleHandlers({ auth, publicUrl, graphiql, other: rest }),
      [docsPath, docs],
      [`${docsPath}/`, docs],
      ...hookPaths.map((path): [string, Handler] => [path, hook]),
    ]
  }

  http.on('request', (req: IncomingMessage, res: ServerResponse) => {
    forgiveSlash(req)
    const path = (req.url ?? '/').split('?', 1)[0] ?? '/'
    const { requestId } = auth.originOf(req)
    res.setHeader('x-request-id', requestId)
    follow(req, res, { path, requestId })
    tellLimits(req, res, auth)
    if (crossOrigin(req, res)) return
    const handle = hasOneHost(req) ? (handlerOf(handlers, path) ?? rest) : refuseHost
    handle(req, res).catch((error: unknown) => {
      log.error({ err: error, requestId }, 'a request failed unexpectedly')
      if (!res.headersSent) res.writeHead(500)
      res.end()
    })
  })

  /** Counts and logs the request once it was answered. */
  function follow(req: IncomingMessage, res: ServerResponse, { path, requestId }: { path: string; requestId: string }) {
    const startedAt = performance.now()
    res.once('close', () => {
      auth.release(req)
      const door = path === graphqlPath ? 'graphql' : 'rest'
      metrics.requests.inc({ door, status: `${Math.floor(res.statusCode / 100)}xx` })
      if (!log.isLevelEnabled('debug') && res.statusCode < 500) return
      const ms = Math.round(performance.now() - startedAt)
      const { accountId, actor } = auth.callerOf(req) ?? {}
      const { method } = req
      const { statusCode: status } = res
      const line = { requestId, accountId, actorId: actor?.id, method, path: shownPath(path), status, ms }
      if (res.statusCode >= 500) log.warn(line, 'a request failed with a server error')
      else log.debug(line, 'a request was answered')
    })
  }

  return {
    /** Open WebSocket connections. */
    get sockets(): number {
      return websocket?.sockets ?? 0
    },
    /** The answer to a webhook's document; undefined when it has nothing to tell. */
    runDocument: (caller: Caller, document: string, event: JournalEntry) =>
      runWebhookDocument(server, caller, document, event),
    /** Ends all streams. */
    close: async () => websocket?.close(),
  }
}

/** A slash at the end of a path means the same as none: no name of ours ends with one. */
function forgiveSlash(req: IncomingMessage): void {
  if (req.url !== undefined) req.url = req.url.replace(/^(\/[^?]*[^?/])\/(?=\?|$)/, '$1')
}
