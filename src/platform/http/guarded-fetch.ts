import type { IncomingHttpHeaders } from 'node:http'
import { Agent, type Dispatcher, request } from 'undici'
import { createEgressRule } from './egress.ts'
import { guardedConnector } from './guarded-connector.ts'
import { OutboundFailure, outboundFailure } from './outbound-failure.ts'

export interface OutboundRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'
  /** http: or https:. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Buffer | undefined
  /** For everything, from looking up the host to the last byte, in milliseconds. */
  readonly timeoutMs: number
  /** How large the answer's body may be. */
  readonly maxBytes: number
  /** Ends the call. */
  readonly signal?: AbortSignal | undefined
}

/** An answer whose body is still to be read. */
export interface OpenedResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** To be read to its end, or returned from. @throws {OutboundFailure} */
  readonly body: AsyncIterable<Uint8Array>
}

export interface OutboundResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The beginning of the body. */
  readonly body: Buffer
  /** Why the rest of the body was not read; undefined when it was. */
  readonly bodyError?: Error
}

export interface GuardedFetchOptions {
  /** Networks (CIDR) that may be reached although they are private. */
  readonly egressAllow: readonly string[]
  /** Connections to one origin at once. */
  readonly connections?: number
}

/** How long a connection is kept for the next call, in milliseconds. */
const keepAliveMs = 10_000
const headerBytes = 32 * 1024

/**
 * The way of every call to an address that somebody else has named: only to addresses that the rule allows, as found when
 * the socket connects; no redirects; an end to how long it takes and to how much is taken. Connections are HTTP/1.1, and
 * kept per origin. Proxies of the environment are not used: they would look names up elsewhere.
 */
export class GuardedFetch {
  readonly #agent: Agent

  constructor({ egressAllow, connections = 32 }: GuardedFetchOptions) {
    this.#agent = new Agent({
      connect: guardedConnector(createEgressRule(egressAllow)),
      connections,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      maxHeaderSize: headerBytes,
      // The whole call has one end, below.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  /** Sends, and resolves with status and headers. @throws {OutboundFailure} */
  async open(asked: OutboundRequest): Promise<OpenedResponse> {
    const end = new CallEnd(asked)
    const { signal } = end
    try {
      const { method, url, headers, body = null } = asked
      const answer = await request(url, { dispatcher: this.#agent, method, headers: { ...headers }, body, signal })
      return { status: answer.statusCode, headers: answer.headers, body: limited(answer, asked, end) }
    } catch (error) {
      end.clear()
      asked.signal?.throwIfAborted()
      throw outboundFailure(error, asked.timeoutMs)
    }
  }

  /**
   * The answer with the first `keptBytes` of its body. The rest is read so that the connection can be used again; a body
   * that is too large, breaks off or takes too long changes nothing about the answer's status.
   * @throws {OutboundFailure} when there is no status
   */
  async fetch(asked: OutboundRequest & { readonly keptBytes: number }): Promise<OutboundResponse> {
    const { status, headers, body } = await this.open(asked)
    const chunks: Uint8Array[] = []
    let sizeBytes = 0
    try {
      for await (const chunk of body) {
        const room = asked.keptBytes - sizeBytes
        if (room > 0) chunks.push(chunk.subarray(0, room))
        sizeBytes += chunk.length
      }
    } catch (error) {
      return { status, headers, body: Buffer.concat(chunks), bodyError: error as Error }
    }
    return { status, headers, body: Buffer.concat(chunks) }
  }

  /** Ends all connections, and calls that are under way. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

/** Ends a call when its time is over or somebody wants it to; unlike `AbortSignal.timeout`, it costs nothing once cleared. */
class CallEnd {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #asked: AbortSignal | undefined
  readonly #onAsked = () => this.#controller.abort(this.#asked?.reason)

  constructor({ timeoutMs, signal }: Pick<OutboundRequest, 'timeoutMs' | 'signal'>) {
    this.#timer = setTimeout(() => this.#controller.abort(tooLate(timeoutMs)), timeoutMs)
    this.#asked = signal
    if (signal?.aborted) this.#onAsked()
    else signal?.addEventListener('abort', this.#onAsked)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#asked?.removeEventListener('abort', this.#onAsked)
  }
}

function tooLate(timeoutMs: number): OutboundFailure {
  return new OutboundFailure('timeout', `There was no complete answer within ${timeoutMs} ms.`)
}

async function* limited(
  { body }: Dispatcher.ResponseData,
  { maxBytes, timeoutMs, signal }: OutboundRequest,
  end: CallEnd,
): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      sizeBytes += chunk.length
      // Leaving the loop destroys the body, and its connection with it.
      if (sizeBytes > maxBytes) throw new OutboundFailure('too_large', `The answer has more than ${maxBytes} bytes.`)
      yield chunk
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw outboundFailure(error, timeoutMs)
  } finally {
    end.clear()
  }
}
