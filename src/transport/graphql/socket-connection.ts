import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import type { Caller } from '#domain/access/service.ts'
import type { Allowance } from '#domain/limits/allowance.ts'
import type { Work } from '#domain/limits/work.ts'
import { tryAgainLater } from '#lib/error-codes.ts'

/** A message under way, which may have begun an operation. */
interface Message {
  readonly sizeBytes: number
  work?: Work
}

/** Refusals in a row after which a client is sent away for a while. */
const maxRefused = 1_000

/** One WebSocket of a client, and what it counts for. */
export class SocketConnection {
  readonly request: IncomingMessage
  readonly socket: WebSocket
  /** Undefined until the client has said who it is. */
  caller: Caller | undefined
  #disconnect: () => void
  #message: Message | undefined
  #refused = 0

  /** `disconnect` ends the count of the connection for its address. */
  constructor(request: IncomingMessage, socket: WebSocket, disconnect: () => void) {
    this.request = request
    this.socket = socket
    this.#disconnect = disconnect
  }

  /** From now on the connection counts for its caller, and no longer for its address. @throws {ConcurrencyLimitExceeded} */
  connectAs(caller: Caller, allowance: Allowance): void {
    const disconnect = allowance.connect()
    this.#disconnect()
    this.#disconnect = disconnect
    this.caller = caller
    // It may have closed while it was looked up who the caller is.
    if (this.socket.readyState !== this.socket.OPEN) disconnect()
  }

  /** Handles a message of so many bytes; an operation that it begins is over when that is. */
  async handle(sizeBytes: number, work: () => Promise<void>): Promise<void> {
    const message: Message = { sizeBytes }
    // What the message asks for begins before anything is waited for.
    this.#message = message
    try {
      await work()
    } finally {
      message.work?.end()
    }
  }

  /**
   * Counts the operation that the message asks for which is being handled; returns why it is refused, if it is. A client
   * that goes on for too long is sent away.
   */
  begin(allowance: Allowance): Work | Error {
    const message = this.#message ?? { sizeBytes: 0 }
    try {
      message.work = allowance.begin(message.sizeBytes)
      this.#refused = 0
      return message.work
    } catch (error) {
      this.#refused += 1
      if (this.#refused > maxRefused) this.socket.close(tryAgainLater, 'Too many operations are under way')
      return error as Error
    }
  }

  /** The connection is over. */
  leave(): void {
    this.#disconnect()
  }
}
