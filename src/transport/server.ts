import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AccessService, Caller } from '#domain/access/service.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { Context } from '#schema/index.ts'
import { createErrorMask } from './graphql/errors.ts'
import { createGraphqlHttp } from './graphql/http.ts'
import { createGraphqlServer, graphqlPath } from './graphql/server.ts'
import { serveWebsocket } from './graphql/websocket.ts'
import { requestIdOf } from './request-id.ts'

export interface ApiOptions {
  readonly http: Server
  readonly access: AccessService
  readonly contextOf: (caller: Caller) => Context
  readonly metrics: Metrics
  /** Whether this process answers more than health and metrics. */
  readonly api: boolean
  readonly graphiql: boolean
  readonly log: Logger
}

type Handler = (req: IncomingMessage, res: ServerResponse) => Promise<void>

/** Puts all doors behind one HTTP server: GraphQL (HTTP, SSE, WebSocket), REST, health and metrics. */
export function serveApi({ http, access, contextOf, metrics, graphiql, log }: ApiOptions) {
  const maskError = createErrorMask(log)
  const server = createGraphqlServer({ contextOf, maskError, graphiql })
  const graphql = createGraphqlHttp({ server, access, maskError, graphiql })
  const websocket = serveWebsocket({ http, server, access, maskError, log })

  http.on('request', (req: IncomingMessage, res: ServerResponse) => {
    const startedAt = performance.now()
    const requestId = requestIdOf(req.headers['x-request-id'])
    res.setHeader('x-request-id', requestId)
    const path = (req.url ?? '/').split('?', 1)[0] ?? '/'
    res.once('close', () => {
      metrics.requests.inc({
        door: path === graphqlPath ? 'graphql' : 'rest',
        status: `${Math.floor(res.statusCode / 100)}xx`,
      })
      const ms = Math.round(performance.now() - startedAt)
      log.debug({ requestId, method: req.method, path, status: res.statusCode, ms }, 'a request was answered')
    })
    const handle: Handler = path === graphqlPath ? graphql : notFound
    handle(req, res).catch((error: unknown) => {
      log.error({ err: error, requestId }, 'a request failed unexpectedly')
      if (!res.headersSent) res.writeHead(500)
      res.end()
    })
  })

  return {
    /** Open WebSocket connections. */
    get sockets(): number {
      return websocket.sockets
    },
    /** Ends all streams. */
    close: () => websocket.close(),
  }
}

async function notFound(_req: IncomingMessage, res: ServerResponse): Promise<void> {
  res.writeHead(404).end()
}
