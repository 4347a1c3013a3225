import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ExecutionArgs, ExecutionResult, FormattedExecutionResult, GraphQLError } from 'graphql'
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import { ConcurrencyLimitExceeded } from '#domain/limits/errors.ts'
import { endable } from '#lib/endable.ts'
import { errorTable } from '#lib/error-codes.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { connectionToken } from '#transport/credentials.ts'
import { hasOneHost } from '#transport/host.ts'
import type { RequestAuth } from '#transport/request-auth.ts'
import { closeReason, formatError, kindOf } from './errors.ts'
import { prepareOperation, type Results } from './operation.ts'
import type { PersistedOperations } from './persisted-operations.ts'
import { type GraphqlServer, graphqlPath } from './server.ts'
import type { SharedResult } from './shared-subscriptions.ts'
import { joinSocket, sendText } from './socket.ts'
import { SocketConnection } from './socket-connection.ts'

/** The largest message, in bytes. */
const messageBytes = 1024 * 1024
/** `closeTimeout`, of which @types/ws knows nothing yet: a client has this long to answer that it is being closed. */
const socketOptions = { noServer: true, maxPayload: messageBytes, handleProtocols, closeTimeout: 2_000 }

export interface WebsocketOptions {
  readonly http: Server
  readonly server: GraphqlServer
  readonly auth: RequestAuth
  /** The only operations that are answered; all when undefined. */
  readonly persisted?: PersistedOperations | undefined
  readonly maskError: (error: unknown) => GraphQLError
  readonly log: Logger
  /** A client has this long to say who it is. Default: 10,000. */
  readonly initTimeoutMs?: number
  /** A client that answers no ping for this long is gone. Default: 12,000. */
  readonly keepAliveMs?: number
}

interface Extra extends Record<PropertyKey, unknown> {
  readonly connection: SocketConnection
}

/**
 * Serves `graphql-transport-ws` at `/graphql`. The token comes in `connection_init` or in the header of the upgrade;
 * without a valid one the socket is closed with 4403. Messages wait for the socket, so a client that stops reading
 * fills its own stream's bounded buffer, and nothing else, until a ping goes unanswered.
 */
export function serveWebsocket(options: WebsocketOptions) {
  const { http, server, auth, persisted, maskError, log, initTimeoutMs = 10_000, keepAliveMs = 12_000 } = options
  const sockets = new WebSocketServer(socketOptions)
  const protocol = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: initTimeoutMs,
    onConnect: async (context) => {
      const { request, socket } = context.extra.connection
      const token = connectionToken(context.connectionParams)
      // They would be kept for as long as the connection.
      Object.assign(context, { connectionParams: undefined })
      try {
        const caller = await auth.authenticate(request, () => socket.close(CloseCode.Forbidden, 'Forbidden'), token)
        context.extra.connection.connectAs(caller, auth.allowanceOf(request))
        return true
      } catch (error) {
        return refuse(socket, maskError(error))
      }
    },
    onSubscribe: async ({ extra: { connection } }, id, asked) => {
      const { request, caller } = connection
      const allowance = auth.allowanceOf(request)
      const work = connection.begin(allowance)
      let params = asked
      try {
        await auth.countAgain(request)
        if (work instanceof Error) throw work
        if (persisted !== undefined) params = { ...params, query: persisted.resolve(params) }
      } catch (error) {
        return [maskError(error)]
      }
      const leaving = new AbortController()
      const operation = await prepareOperation(
        server,
        { caller, origin: auth.originOf(request), allowance, work, whenLeft: () => leaving.signal },
        params,
      )
      if (!('run' in operation)) return operation
      // The message is kept until its operation is over: what that doesn't need is not.
      Object.assign(asked, { variables: operation.args.variableValues })
      const stream = operation.isStream ? await operation.run() : undefined
      // A stream that could not begin is an error of the request, not a result.
      if (stream !== undefined && 'errors' in stream) return stream.errors ?? []
      const results =
        stream === undefined
          ? single(operation.run(), leaving.signal)
          : relay(stream as AsyncGenerator<SharedResult>, connection.socket, id)
      // What is to be run travels as the root value, of which our resolvers know nothing.
      return { ...operation.args, rootValue: async () => endable(results, () => leaving.abort()) }
    },
    execute: runPrepared,
    subscribe: runPrepared,
    onNext: (_context, _id, _payload, _args, { errors, ...result }) =>
      errors && ({ ...result, errors: errors.map(formatError) } as FormattedExecutionResult),
    onError: (_context, _id, _payload, errors) => errors.map((error) => formatError(maskError(error as GraphQLError))),
  })
  sockets.on('connection', (socket: WebSocket, request: IncomingMessage, disconnect: () => void) => {
    const connection = new SocketConnection(request, socket, disconnect)
    socket.once('close', () => {
      connection.leave()
      auth.release(request)
    })
    joinSocket(socket, {
      open: (adapter) => protocol.opened(adapter, { connection }),
      handle: (sizeBytes, work) => connection.handle(sizeBytes, work),
      maskError,
      keepAliveMs,
      onProtocolError: (error) => log.debug({ err: error }, 'a WebSocket client broke the protocol'),
    })
  })
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!hasOneHost(request)) return refuseUpgrade(socket, '400 Bad Request')
    if (request.url?.split('?', 1)[0]?.replace(/\/$/, '') !== graphqlPath) return refuseUpgrade(socket, '404 Not Found')
    const disconnect = connectStranger(auth, request)
    if (disconnect === undefined) return refuseUpgrade(socket, '429 Too Many Requests')
    // Also when nothing comes of the upgrade.
    socket.once('close', disconnect)
    sockets.handleUpgrade(request, socket, head, (webSocket) =>
      sockets.emit('connection', webSocket, request, disconnect),
    )
  }
  http.on('upgrade', upgrade)
  return {
    /** Open connections. */
    get sockets(): number {
      return sockets.clients.size
    },
    /** Closes all connections as going away (1001); who doesn't answer is cut off. */
    async close(): Promise<void> {
      http.off('upgrade', upgrade)
      for (const client of sockets.clients) client.close(1001, 'Going away')
      await new Promise<void>((resolve) => sockets.close(() => resolve()))
    },
  }
}

/**
 * What is under way as a stream of one result, and of none for who has left: graphql-ws lets streams know that their client
 * has completed them or is gone.
 */
function single(running: Promise<Results>, left: AbortSignal): AsyncGenerator<ExecutionResult> {
  // Of one that is left before it is asked for anything, nobody hears.
  running.catch(() => undefined)
  return (async function* () {
    const result = (await running) as ExecutionResult
    if (!left.aborted) yield result
  })()
}

/**
 * Sends the results of a stream as they are shared by its subscribers: one text for all, of which only the id of the
 * operation is the client's own. graphql-ws, which would serialize each result once more, has none of them to send.
 */
function relay(stream: AsyncGenerator<SharedResult>, socket: WebSocket, id: string): AsyncGenerator<never> {
  const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`
  // biome-ignore lint/correctness/useYield: what it has to say is on its way already
  async function* send(): AsyncGenerator<never> {
    for await (const result of stream) await sendText(socket, `${head}${result.stringify()}}`)
  }
  return endable(send(), () => void stream.return(undefined))
}

function runPrepared({ rootValue }: ExecutionArgs) {
  return (rootValue as () => Promise<Results>)()
}

/** Counts a connection for its address until it is known whose it is; undefined when the address has too many. */
function connectStranger(auth: RequestAuth, request: IncomingMessage): (() => void) | undefined {
  try {
    return auth.allowanceOf(request).connect()
  } catch (error) {
    if (error instanceof ConcurrencyLimitExceeded) return undefined
    throw error
  }
}

function refuseUpgrade(socket: Duplex, status: string): void {
  // A client that has already gone is not an error; without a listener its error event would end the process.
  socket.on('error', () => socket.destroy())
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

/**
 * Closes a socket as the refusal says: 4403 for a caller without a valid token, which is what `false` means to graphql-ws,
 * and 1013 where trying again can help. Throws what is neither.
 */
function refuse(socket: WebSocket, error: GraphQLError): false {
  const kind = kindOf(error)
  if (kind === 'unauthenticated') return false
  if (kind === undefined || !errorTable[kind].retry) throw error
  socket.close(errorTable[kind].closeCode, closeReason(error))
  return false
}
