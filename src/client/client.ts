import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { endpointOf } from './endpoint.ts'
import { SignalboxError } from './errors.ts'
import { type HttpConnection, requestOperation, type Token } from './operation-request.ts'
import { type SubscribeOptions, SubscriptionSocket } from './subscription-socket.ts'

export interface ClientOptions {
  /** The server's address, such as `http://127.0.0.1:4000`. */
  readonly url: string
  /** An application token; or what has one that is valid now, asked for each request and connection. */
  readonly token?: Token | undefined
  /** Default: the global one. */
  readonly fetch?: typeof fetch | undefined
  /** A WebSocket class. Default: the global one, which browsers and Node.js 22 and later have. */
  readonly webSocket?: unknown
  /** The longest wait for the answer to a request, in milliseconds. Default: 30,000. */
  readonly timeoutMs?: number | undefined
}

interface RequestOptions {
  readonly signal?: AbortSignal | undefined
  /** The longest wait for this answer, in milliseconds. Default: the client's. */
  readonly timeoutMs?: number | undefined
}

/** A connection to one server, as one caller. Everything that it throws of its own is a {@link SignalboxError}. */
export interface SignalboxClient {
  /** The server's address as it was given. */
  readonly url: string
  /**
   * Runs a query or a mutation.
   * @throws {SignalboxError} with the server's code. @throws {SignalboxUnreachable} when no answer came.
   */
  request<Data, Variables>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
    options?: RequestOptions,
  ): Promise<Data>
  /**
   * Everything that a subscription yields, until it completes; leaving the loop ends it. It does not reconnect: see
   * {@link followTask} and {@link followEvents}.
   * @throws {SignalboxError} @throws {SignalboxUnreachable} when the connection breaks. @throws the signal's reason.
   */
  subscribe<Data, Variables>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
    options?: SubscribeOptions,
  ): AsyncGenerator<Data, void>
  /** Ends what is under way with CLIENT_CLOSED, and closes the connection. */
  close(): Promise<void>
}

const defaultTimeoutMs = 30_000

/** Browsers refuse to call theirs as a member of anything else than the page. */
const globalFetch: typeof fetch = (...request) => fetch(...request)

/** A client of a Signalbox server; connects when first used. @throws {TypeError} when the address is none. */
export function createClient({ url, token, timeoutMs = defaultTimeoutMs, ...options }: ClientOptions): SignalboxClient {
  const endpoint = endpointOf(url)
  const closing = new AbortController()
  const connection: HttpConnection = { url: endpoint.http, token, timeoutMs, fetch: options.fetch ?? globalFetch }
  const socket = new SubscriptionSocket({ url: endpoint.webSocket, http: connection, webSocket: options.webSocket })
  const untilClosed = (signal: AbortSignal | undefined) =>
    signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal])
  return {
    url,
    async request(document, variables, { signal, timeoutMs: patienceMs = timeoutMs } = {}) {
      const ending = untilClosed(signal)
      ending.throwIfAborted()
      return requestOperation({ ...connection, timeoutMs: patienceMs }, document, variables, ending)
    },
    subscribe: (document, variables, { signal, onConnected } = {}) =>
      socket.subscribe(document, variables, { signal: untilClosed(signal), onConnected }),
    async close() {
      closing.abort(new SignalboxError('The client was closed.', { code: 'CLIENT_CLOSED' }))
      await socket.close()
    },
  }
}
