import type { IncomingMessage, ServerResponse } from 'node:http'

/** What pages of other origins may read of an answer beside its body. */
const exposed = [
  'Accept-Patch, Accept-Ranges, Content-Disposition, Content-Range, ETag, Idempotent-Replayed, Link, Location',
  'Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, Warning, WWW-Authenticate, X-Request-Id',
].join(', ')
/** What every client may send; a page that asks for other headers, such as those of a tracing library, gets them too. */
const alwaysAllowed = [
  'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Last-Event-ID, Prefer, Range',
  'X-Request-Id',
].join(', ')
const headerNames = /^[\w!#$%&'*+.^`|~-]+( *, *[\w!#$%&'*+.^`|~-]+)*$/
const maxHeaderNamesLength = 4_096
const preflightMaxAgeS = 600

/**
 * Lets pages of these origins call from a browser (Fetch §3.2); nobody's, when there are none. Answers say that they
 * depend on the origin, so that no cache mixes them up.
 * @returns whether the request was a preflight, which is answered with it.
 */
export function createCrossOrigin(origins: readonly string[]) {
  const allowed = new Set(origins)
  return (req: IncomingMessage, res: ServerResponse): boolean => {
    if (allowed.size === 0) return false
    res.setHeader('vary', 'Origin')
    const { origin } = req.headers
    if (origin === undefined || !allowed.has(origin)) return false
    res.setHeader('access-control-allow-origin', origin)
    res.setHeader('access-control-expose-headers', exposed)
    const isPreflight = req.method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined
    if (isPreflight) {
      req.resume()
      res.setHeader('vary', 'Origin, Access-Control-Request-Headers')
      res.writeHead(204, {
        'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers': allowedHeaders(req.headers['access-control-request-headers']),
        'access-control-max-age': String(preflightMaxAgeS),
      })
      res.end()
    }
    return isPreflight
  }
}

/**
 * Any header that a page asks for: its origin is trusted, and calls with cookies are not allowed, so that a header
 * gives nobody a right.
 */
function allowedHeaders(asked: string | undefined): string {
  if (asked === undefined || asked.length > maxHeaderNamesLength || !headerNames.test(asked)) return alwaysAllowed
  return `${alwaysAllowed}, ${asked}`
}
