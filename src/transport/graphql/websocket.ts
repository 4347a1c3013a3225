import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ExecutionArgs, GraphQLError } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import type { AccessService, Caller } from '#domain/access/service.ts'
import { AppError } from '#lib/errors.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { connectionToken, requestToken } from '#transport/credentials.ts'
import { type PreparedOperation, prepareOperation } from './operation.ts'
import { type GraphqlServer, graphqlPath } from './server.ts'

/** A client has this long to say who it is, in milliseconds. */
const initTimeoutMs = 10_000
/** A client that answers no ping for this long is gone, in milliseconds. */
const keepAliveMs = 12_000
/** The largest message, in bytes. */
const messageBytes = 1024 * 1024

export interface WebsocketOptions {
  readonly http: Server
  readonly server: GraphqlServer
  readonly access: AccessService
  readonly maskError: (error: unknown) => GraphQLError
  readonly log: Logger
}

interface Extra extends Record<PropertyKey, unknown> {
  caller?: Caller
}

/**
 * Serves `graphql-transport-ws` at `/graphql`. The token comes in `connection_init` or in the header of the upgrade;
 * without a valid one the socket is closed with 4403. Messages wait for the socket, so a client that stops reading
 * fills its own stream's bounded buffer, and nothing else, until a ping goes unanswered.
 */
export function serveWebsocket({ http, server, access, maskError, log }: WebsocketOptions) {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: messageBytes })
  const graphql = useServer<Record<string, unknown>, Extra>(
    {
      connectionInitWaitTimeout: initTimeoutMs,
      onConnect: async (context) => {
        const token = connectionToken(context.connectionParams) ?? requestToken(context.extra.request.headers)
        const caller = await access.authenticate(token).catch(orRefused)
        if (caller === undefined) return false
        context.extra.caller = caller
        return true
      },
      onSubscribe: async ({ extra }, _id, params) => {
        const operation = await prepareOperation(server, extra.caller ? { caller: extra.caller } : {}, params)
        // What is to be run travels as the root value, of which our resolvers know nothing.
        return 'run' in operation ? { ...operation.args, rootValue: operation } : operation
      },
      execute: runPrepared,
      subscribe: runPrepared,
      onError: (_context, _id, _payload, errors) => errors.map((error) => maskError(error).toJSON()),
    },
    sockets,
    keepAliveMs,
  )
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname !== graphqlPath) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => sockets.emit('connection', webSocket, request))
  }
  http.on('upgrade', upgrade)
  sockets.on('error', (error) => log.warn({ err: error }, 'the WebSocket server reported an error'))
  return {
    /** Open connections. */
    get sockets(): number {
      return sockets.clients.size
    },
    /** Closes all connections as going away (1001). */
    async close(): Promise<void> {
      http.off('upgrade', upgrade)
      await graphql.dispose()
    },
  }
}

function runPrepared({ rootValue }: ExecutionArgs) {
  return (rootValue as PreparedOperation).run()
}

/** Nobody: the caller's token is not valid. Anything else stays an error. */
function orRefused(error: unknown): undefined {
  if (error instanceof AppError && error.kind === 'unauthenticated') return undefined
  throw error
}
