import type { GraphQLError } from 'graphql'
import { CloseCode, type WebSocket as ProtocolSocket } from 'graphql-ws'
import type { WebSocket } from 'ws'

export interface SocketOptions {
  /** Begins to speak the protocol; what it returns is told when the socket has closed. */
  readonly open: (socket: ProtocolSocket) => (code?: number, reason?: string) => Promise<void>
  readonly maskError: (error: unknown) => GraphQLError
  /** Between pings, in milliseconds; one that is not answered before the next ends the connection. */
  readonly keepAliveMs: number
  /** The client has sent what is no WebSocket, or too large; the connection is being closed for it. */
  readonly onProtocolError: (error: Error) => void
}

/**
 * Lets one WebSocket speak `graphql-transport-ws`. In place of the adapter that comes with graphql-ws, which prints
 * errors, tells them to clients, and takes binary messages for text.
 */
export function joinSocket(socket: WebSocket, { open, maskError, keepAliveMs, onProtocolError }: SocketOptions): void {
  socket.on('error', onProtocolError)
  const stopPinging = keepAlive(socket, keepAliveMs)
  const closed = open({
    protocol: socket.protocol,
    send: (data) => sent(socket, data),
    close: (code, reason) => socket.close(code, reason),
    onMessage: (handle) => {
      socket.on('message', (data, isBinary) => {
        if (socket.readyState !== socket.OPEN) return
        if (isBinary) return socket.close(CloseCode.BadRequest, 'Invalid message received')
        handle(String(data)).catch(fail)
      })
    },
  })
  socket.once('close', (code, reason) => {
    stopPinging()
    closed(code, String(reason)).catch(maskError)
  })

  function fail(error: unknown): void {
    socket.close(CloseCode.InternalServerError, maskError(error).message)
  }
}

/** Resolves when the system has taken the message, so that a stream goes no faster than its client reads. */
function sent(socket: WebSocket, data: string): Promise<void> {
  return new Promise((resolve) => {
    // What can't be sent any more needs no error: the closing socket ends its streams.
    if (socket.readyState === socket.OPEN) socket.send(data, () => resolve())
    else resolve()
  })
}

function keepAlive(socket: WebSocket, intervalMs: number): () => void {
  let hasAnswered = true
  socket.on('pong', () => {
    hasAnswered = true
  })
  const timer = setInterval(() => {
    if (!hasAnswered) return socket.terminate()
    hasAnswered = false
    if (socket.readyState === socket.OPEN) socket.ping()
  }, intervalMs)
  return () => clearInterval(timer)
}
