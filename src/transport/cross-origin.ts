import type { IncomingMessage, ServerResponse } from 'node:http'

/** What pages of other origins may read of an answer beside its body. */
const exposed = 'X-Request-Id, RateLimit, RateLimit-Policy, Retry-After, ETag, Link, Location'
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
      res.writeHead(204, {
        'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers': 'Authorization, Content-Type, If-Match, Idempotency-Key, Prefer, X-Request-Id',
        'access-control-max-age': String(preflightMaxAgeS),
      })
      res.end()
    }
    return isPreflight
  }
}
