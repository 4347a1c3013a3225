import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { print } from 'graphql/language'
import type { Client } from 'graphql-ws/client'
import { operationError, SignalboxError, SignalboxUnreachable, type WireError } from './errors.ts'
import { ViewerDocument } from './generated/graphql.ts'
import { type HttpConnection, presentToken, requestOperation } from './operation-request.ts'
import { StreamBuffer } from './stream-buffer.ts'

export interface SocketOptions {
  readonly url: string
  /** The same server over HTTP, which says why there is no connection. */
  readonly http: HttpConnection
  /** A WebSocket class; the global one when undefined. */
  readonly webSocket: unknown
}

export interface SubscribeOptions {
  readonly signal?: AbortSignal | undefined
  /** Called once, when the server has let the connection in. */
  readonly onConnected?: (() => void) | undefined
}

/** Updates that wait for a slow reader before its stream is given up. */
const bufferCapacity = 10_000
const pingIntervalMs = 10_000
const pongPatienceMs = 5_000
const acknowledgePatienceMs = 10_000
/** The longest look over HTTP for the reason why there is no connection, in milliseconds. */
const probePatienceMs = 5_000
/** No server of ours answers there. */
const unavailableCodes: ReadonlySet<string> = new Set(['UNREACHABLE', 'UNEXPECTED_RESPONSE', 'UNAVAILABLE'])

/**
 * The one WebSocket that all subscriptions of a client share: opened by the first, closed after the last. It never
 * reconnects by itself, since only the reader knows from where a stream goes on.
 */
export class SubscriptionSocket {
  readonly #options: SocketOptions
  readonly #closing = new AbortController()
  #client: Promise<Client> | undefined
  #isConnected = false
  /** Whether the server has accepted the token of the connection that is, or was last. */
  #wasLetIn = false

  constructor(options: SocketOptions) {
    this.#options = options
  }

  /**
   * Opens a subscription when it is first read, and ends it when the reader does.
   * @throws {SignalboxError} READER_TOO_SLOW when 10,000 updates wait. @throws {SignalboxUnreachable}
   */
  async *subscribe<Data, Variables>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
    { signal, onConnected }: SubscribeOptions,
  ): AsyncGenerator<Data, void> {
    signal?.throwIfAborted()
    // Should there be none, the reason would be lost in the protocol.
    await presentToken(this.#options.http.token)
    const client = await this.#open()
    const buffer = new StreamBuffer<Data>(bufferCapacity)
    const forget = this.#tellConnected(client, onConnected)
    const request = { query: print(document), variables: { ...variables } as Record<string, unknown> }
    const unsubscribe = client.subscribe<Data>(request, {
      next: ({ data, errors }) => {
        if (errors !== undefined) buffer.end({ error: operationError(errors as readonly WireError[]) })
        else if (data && !buffer.put(data)) {
          buffer.end({ error: tooSlow() })
          unsubscribe()
        }
      },
      error: (error) => void this.#explain(error).then((explained) => buffer.end({ error: explained })),
      complete: () => buffer.end(),
    })
    const abort = () => buffer.abort(signal?.reason)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
    try {
      yield* buffer
    } finally {
      signal?.removeEventListener('abort', abort)
      forget()
      unsubscribe()
    }
  }

  /** Ends all subscriptions and closes the connection. */
  async close(): Promise<void> {
    this.#closing.abort()
    const client = await this.#client
    // One that is still being made may take its time to come about or to fail.
    if (this.#isConnected) await client?.dispose()
    else client?.terminate()
  }

  /** @throws {SignalboxError} where the runtime has no WebSocket and none was given */
  async #open(): Promise<Client> {
    if (this.#options.webSocket === undefined && globalThis.WebSocket === undefined)
      throw new SignalboxError(
        'This runtime has no WebSocket, which streams need: pass one as the option webSocket of createClient, such as ' +
          'the default export of the package ws, or use Node 22 or later.',
        { code: 'NO_WEBSOCKET' },
      )
    this.#client ??= this.#create()
    return this.#client
  }

  async #create(): Promise<Client> {
    // Only streams need it.
    const { createClient } = await import('graphql-ws/client')
    const { url, http, webSocket } = this.#options
    const client = createClient({
      url,
      ...(webSocket !== undefined && { webSocketImpl: webSocket }),
      connectionParams: async () => {
        const present = await presentToken(http.token)
        return present === undefined ? {} : { token: present }
      },
      retryAttempts: 0,
      keepAlive: pingIntervalMs,
      connectionAckWaitTimeout: acknowledgePatienceMs,
    })
    client.on('connecting', () => {
      this.#wasLetIn = false
    })
    client.on('connected', () => {
      this.#isConnected = true
      this.#wasLetIn = true
    })
    client.on('closed', () => {
      this.#isConnected = false
    })
    dropSilentConnections(client)
    return client
  }

  #tellConnected(client: Client, onConnected: (() => void) | undefined): () => void {
    if (onConnected === undefined) return () => {}
    if (!this.#isConnected) return client.on('connected', () => onConnected())
    onConnected()
    return () => {}
  }

  /** The error in words; for a connection that never came about with the reason, which a WebSocket doesn't have. */
  async #explain(error: unknown): Promise<SignalboxError> {
    const { code = 1006 } = (error ?? {}) as { code?: number }
    const cameAbout = this.#wasLetIn || error instanceof SignalboxError || Array.isArray(error) || code !== 1006
    if (cameAbout) return this.#toError(error)
    const { url, http } = this.#options
    try {
      await requestOperation({ ...http, timeoutMs: probePatienceMs }, ViewerDocument, {}, this.#closing.signal)
    } catch (reason) {
      if (reason instanceof SignalboxError && unavailableCodes.has(reason.code))
        return new SignalboxUnreachable(reason.message, { cause: reason.cause ?? error })
    }
    const why = 'though the server answers over HTTP: a proxy in between may not pass WebSockets on'
    return new SignalboxUnreachable(`There is no connection to ${url}, ${why}.`, { cause: error })
  }

  #toError(error: unknown): SignalboxError {
    const { url } = this.#options
    if (error instanceof SignalboxError) return error
    if (Array.isArray(error)) return operationError(error as readonly WireError[])
    const { code, reason } = (error ?? {}) as { code?: number; reason?: string }
    if (this.#wasLetIn && typeof this.#options.http.token === 'function' && endedTokens.has(code ?? 0))
      return new SignalboxUnreachable(`The connection to ${url} has ended with its token.`, { cause: error })
    const explain = refusals[code ?? 0]
    if (explain !== undefined) return explain(reason ?? '')
    const why = reason ? `: ${reason}` : ''
    return new SignalboxUnreachable(`The connection to ${url} is lost${why}.`, { cause: error })
  }
}

/** Closes of a connection that was let in because its token is over: one that can be renewed is worth another try. */
const endedTokens: ReadonlySet<number> = new Set([4401, 4403])

/** What the close codes of the protocol (graphql-transport-ws) mean. */
const refusals: Record<number, (reason: string) => SignalboxError> = {
  // Only the server itself says so; it is worth another try.
  1013: (reason) => new SignalboxError(`The server is busy: ${reason}.`, { code: 'UNAVAILABLE' }),
  4400: (reason) => new SignalboxError(`The server refused the request: ${reason}.`, { code: 'INVALID_INPUT' }),
  4401: unauthenticated,
  4403: unauthenticated,
  4406: () =>
    new SignalboxError(
      'The server does not speak graphql-transport-ws. It is not a Signalbox server, or one of another version.',
      {
        code: 'UNEXPECTED_RESPONSE',
      },
    ),
  4429: (reason) => new SignalboxError(`Too many requests: ${reason}.`, { code: 'RATE_LIMITED' }),
}

function unauthenticated(): SignalboxError {
  return new SignalboxError('The server does not accept the token.', { code: 'UNAUTHENTICATED' })
}

function tooSlow(): SignalboxError {
  return new SignalboxError(`The stream was given up: ${bufferCapacity} updates waited for their reader.`, {
    code: 'READER_TOO_SLOW',
  })
}

/** A connection whose pings go unanswered is gone, though no packet says so. */
function dropSilentConnections(client: Client): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  client.on('ping', (isReceived) => {
    if (!isReceived) timer = setTimeout(() => client.terminate(), pongPatienceMs)
  })
  client.on('pong', (isReceived) => {
    if (isReceived) clearTimeout(timer)
  })
  client.on('closed', () => clearTimeout(timer))
}
