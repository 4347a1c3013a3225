import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { print } from 'graphql/language'
import { operationError, SignalboxError, SignalboxUnreachable, type WireError } from './errors.ts'

/** The caller's token; a function is called for each request, so that it can renew an expired one. */
export type Token = string | (() => Promise<string>)

/** The token as it is now. */
export async function presentToken(token: Token | undefined): Promise<string | undefined> {
  return typeof token === 'function' ? token() : token
}

/** How operations reach the server over HTTP. */
export interface HttpConnection {
  readonly url: string
  readonly token: Token | undefined
  readonly fetch: typeof fetch
  /** The longest wait for an answer, in milliseconds. */
  readonly timeoutMs: number
}

/** Gateways say these for a server that is down. */
const outageStatuses = new Set([502, 503, 504])

/** Runs a query or a mutation. @throws {SignalboxError} @throws {SignalboxUnreachable} @throws the signal's reason. */
export async function requestOperation<Data, Variables>(
  connection: HttpConnection,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  signal: AbortSignal,
): Promise<Data> {
  const body = JSON.stringify({ query: print(document), variables })
  const headers = headersOf(await presentToken(connection.token))
  const { status, answer } = await exchange(connection, { headers, body }, signal)
  if (answer.errors !== undefined && answer.errors.length > 0) throw operationError(answer.errors, status)
  if (answer.data === undefined || answer.data === null) throw unexpected(connection.url, status)
  return answer.data as Data
}

interface Answer {
  readonly data?: unknown
  readonly errors?: readonly WireError[]
}

async function exchange(
  connection: HttpConnection,
  request: { readonly headers: Record<string, string>; readonly body: string },
  signal: AbortSignal,
) {
  const deadline = AbortSignal.timeout(connection.timeoutMs)
  try {
    const response = await connection.fetch(connection.url, {
      method: 'POST',
      ...request,
      signal: AbortSignal.any([signal, deadline]),
    })
    return { status: response.status, answer: parse(connection.url, response.status, await response.text()) }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof SignalboxError) throw error
    throw deadline.aborted ? late(connection, error) : unreachable(connection.url, error)
  }
}

function headersOf(token: string | undefined): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: 'application/graphql-response+json, application/json;q=0.9',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
}

function parse(url: string, status: number, text: string): Answer {
  const answer = parseJson(text)
  if (typeof answer === 'object' && answer !== null && ('data' in answer || 'errors' in answer)) {
    return answer as Answer
  }
  if (outageStatuses.has(status)) {
    throw new SignalboxUnreachable(`The server at ${url} is not available (HTTP ${status}).`, { status })
  }
  throw unexpected(url, status)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unexpected(url: string, status: number): SignalboxError {
  const { pathname } = new URL(url)
  const hint =
    pathname === '/graphql' ? '' : ` If it is one, leave out the path before ${pathname.slice(-'/graphql'.length)}.`
  return new SignalboxError(`${url} answered with HTTP ${status}, but not as a Signalbox server does.${hint}`, {
    code: 'UNEXPECTED_RESPONSE',
    status,
  })
}

function late({ url, timeoutMs }: HttpConnection, cause: unknown): SignalboxUnreachable {
  return new SignalboxUnreachable(`The server at ${url} did not answer within ${timeoutMs / 1000} seconds.`, { cause })
}

/** Codes of Node.js in words. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no host of that name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it speaks http there, not https',
}

/** The reason stands in the cause in Node.js, and nowhere in browsers. */
function unreachable(url: string, cause: unknown): SignalboxUnreachable {
  const { code, message } = ((cause as Error).cause ?? {}) as { code?: string; message?: string }
  const reason = reasons[code ?? ''] ?? (message || code)
  return new SignalboxUnreachable(`The server at ${url} can't be reached${reason ? `: ${reason}` : ''}.`, { cause })
}
