import type { IncomingMessage, ServerResponse } from 'node:http'
import type { MeterState } from '#domain/limits/meter.ts'
import { windowMs } from '#domain/limits/service.ts'
import type { RequestAuth } from './request-auth.ts'

const windowS = windowMs / 1000

/**
 * Adds the caller's remaining limit to the response, as structured fields (RFC 9651) of
 * draft-ietf-httpapi-ratelimit-headers: as it stands when the answer begins, since an operation's cost is known only
 * then. Who is refused learns when to come back, too (RFC 9110 §10.2.3).
 */
export function tellLimits(req: IncomingMessage, res: ServerResponse, auth: RequestAuth): void {
  const writeHead = res.writeHead
  res.writeHead = (...args: unknown[]): ServerResponse => {
    res.writeHead = writeHead
    const { requests, cost } = auth.allowanceOf(req)
    const known = [...policy('requests', requests), ...policy('cost', cost)]
    if (known.length > 0) {
      res.setHeader(
        'ratelimit-policy',
        known.map(({ name, state }) => `"${name}";q=${state.limit};w=${windowS}`).join(),
      )
      res.setHeader(
        'ratelimit',
        known.map(({ name, state }) => `"${name}";r=${state.remaining};t=${secondsOf(state)}`).join(),
      )
    }
    if (args[0] === 429 && !res.hasHeader('retry-after') && !namesRetry(args)) {
      const empty = known.filter(({ state }) => state.remaining === 0)
      res.setHeader('retry-after', Math.max(1, ...empty.map(({ state }) => secondsOf(state))))
    }
    return writeHead.apply(res, args as Parameters<typeof writeHead>)
  }
}

function policy(name: string, state: MeterState | undefined) {
  return state === undefined ? [] : [{ name, state }]
}

function secondsOf({ resetMs }: MeterState): number {
  return Math.ceil(resetMs / 1000)
}

/** Whether these headers already include `Retry-After`. */
function namesRetry(args: readonly unknown[]): boolean {
  const headers = args.at(-1)
  return typeof headers === 'object' && headers !== null && 'retry-after' in headers
}
