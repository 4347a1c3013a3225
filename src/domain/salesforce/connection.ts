import { PassThrough } from 'node:stream'
import type { Connection, HttpRequest, HttpResponse } from '@jsforce/jsforce-node'
import type { Call } from './calls.ts'
import { apiFailure, withoutData } from './failure.ts'
import type { Session } from './oauth.ts'

/** A session with the API version that its calls use. */
export interface VersionedSession extends Session {
  readonly apiVersion: string
}

/**
 * Opens a connection of jsforce whose requests all go through `call`, which ends them with `signal`. The library is loaded
 * with the first connection. It neither refreshes tokens nor retries here, and its failures are {@link SalesforceFailure}s.
 */
export async function connect(
  { instanceUrl, accessToken, apiVersion }: VersionedSession,
  call: Call,
  signal?: AbortSignal,
): Promise<Connection> {
  const [core, { StreamPromise }] = await Promise.all([
    import('@jsforce/jsforce-node/lib/core.js'),
    import('@jsforce/jsforce-node/lib/util/promise.js'),
  ])
  const connection = new core.Connection({ instanceUrl, accessToken, version: apiVersion })
  const httpRequest = (request: HttpRequest) =>
    StreamPromise.create<HttpResponse>(() => ({
      stream: new PassThrough(),
      promise: send(request, { call, accessToken, signal }),
    }))
  const getRequestStreamCreator = () => {
    throw new Error('Requests are not streamed.')
  }
  connection._transport = { httpRequest, getRequestStreamCreator }
  return connection
}

async function send(
  { method, url, headers = {}, body }: HttpRequest,
  { call, accessToken, signal }: { call: Call; accessToken: string; signal: AbortSignal | undefined },
): Promise<HttpResponse> {
  const answer = await call({ method, url, headers, body: bodyOf(body), signal })
  if (answer.status >= 400) throw apiFailure(answer, [accessToken])
  const type = String(answer.headers['content-type'] ?? '')
  if (type.startsWith('text/html')) throw withoutData(answer)
  return { statusCode: answer.status, headers: flat(answer.headers), body: answer.body.toString('utf8') }
}

function bodyOf(body: HttpRequest['body']): string | Buffer | undefined {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string' || Buffer.isBuffer(body)) return body
  throw new Error('Only texts and bytes are sent.')
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]))
}
