import type { IncomingHttpHeaders } from 'node:http'

const bearer = /^Bearer +(\S+) *$/i

/** The token in `Authorization: Bearer <token>` (RFC 6750 §2.1); undefined when there is none. */
function bearerToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : bearer.exec(header)?.[1]
}

/** The token of a request; undefined when there is none. */
export function requestToken(headers: IncomingHttpHeaders): string | undefined {
  return bearerToken(headers.authorization)
}

/**
 * The token in the parameters of a WebSocket's `connection_init`: `{ authorization: "Bearer <token>" }`,
 * `{ Authorization: … }` or `{ token: "<token>" }`.
 */
export function connectionToken(params: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const header = params?.['authorization'] ?? params?.['Authorization']
  if (typeof header === 'string') return bearerToken(header)
  const token = params?.['token']
  return typeof token === 'string' ? token : undefined
}
