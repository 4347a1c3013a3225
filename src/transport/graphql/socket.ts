import type { GraphQLError } from 'graphql'
import { CloseCode, type WebSocket as ProtocolSocket } from 'graphql-ws'
import type { WebSocket } from 'ws'
import { errorTable } from '#lib/error-codes.ts'
import { closeReason, kindOf } from './errors.ts'

export interface SocketOptions {
  /** Starts the protocol on a socket; the returned function is called when the socket has closed. */
  readonly open: (socket: ProtocolSocket) => (code?: number, reason?: string) => Promise<void>
  readonly maskError: (error: unknown) => GraphQLError
  /** Handles a message of so many bytes; resolves when what it began is over. */
  readonly handle: (sizeBytes: number, work: () => Promise<void>) => Promise<void>
  /** Between pings, in milliseconds; one that is not answered before the next ends the connection. */
  readonly keepAliveMs: number
  /** Called when the client violated the WebSocket protocol or sent too large a message; the connection is being closed. */
  readonly onProtocolError: (error: Error) => void
}

/**
 * Lets one WebSocket speak `graphql-transport-ws`. In place of the adapter that comes with graphql-ws, which prints
 * errors, tells them to clients, and takes binary messages for text.
 */
export function joinSocket(socket: WebSocket, options: SocketOptions): void {
  const { open, maskError, keepAliveMs, onProtocolError } = options
  socket.on('error', onProtocolError)
  const stopPinging = keepAlive(socket, keepAliveMs)
  const closed = open({
    protocol: socket.protocol,
    send: (data) => sendText(socket, data),
    close: (code, reason) => socket.close(code, reason),
    onMessage: (handle) => {
      socket.on('message', (data, isBinary) => {
        if (socket.readyState !== socket.OPEN) return
        if (isBinary) return socket.close(CloseCode.BadRequest, 'Invalid message received')
        const text = String(data)
        options.handle((data as Buffer).length, () => handle(text)).catch(fail)
        readWhatIsRead(socket)
      })
    },
  })
  socket.once('close', (code, reason) => {
    stopPinging()
    closed(code, String(reason)).catch(maskError)
  })

  function fail(error: unknown): void {
    const masked = maskError(error)
    const kind = kindOf(masked)
    socket.close(kind === undefined ? CloseCode.InternalServerError : errorTable[kind].closeCode, closeReason(masked))
  }
}

/**
 * Sends a message, and goes on reading from a client that reads. Resolves when the system has taken the message, so that
 * a stream goes no faster than its client reads.
 */
export function sendText(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve) => {
    // What can't be sent any more needs no error: the closing socket ends its streams.
    if (socket.readyState !== socket.OPEN) return resolve()
    socket.send(text, () => {
      readWhatIsRead(socket)
      resolve()
    })
  })
}

/** Answers that a client has not read yet, in bytes, beyond which nothing more is read from it. */
const maxUnreadBytes = 1024 * 1024

/** Stops reading from a client that doesn't read: every message may have an answer, which would wait in memory. */
function readWhatIsRead(socket: WebSocket): void {
  if (socket.readyState !== socket.OPEN) return
  const isBehind = socket.bufferedAmount > maxUnreadBytes
  if (isBehind && !socket.isPaused) socket.pause()
  if (!isBehind && socket.isPaused) socket.resume()
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
