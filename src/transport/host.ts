import type { IncomingMessage, ServerResponse } from 'node:http'
import { drain } from './body.ts'
import { problemResponse } from './rest/problem.ts'
import { Refused } from './rest/refused.ts'
import { shownPath } from './shown-path.ts'

/** `uri-host [ ":" port ]` (RFC 9110 §7.2) with a host that is not empty. */
const form = /^(?:\[[\da-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})+)(?::\d*)?$/i

/**
 * Whether a request names one host, in the form that a host has. Of several `Host` lines Node.js shows the first, while a
 * proxy may have gone by the last. HTTP/1.0 may leave it out; in HTTP/1.1 Node.js refuses that itself.
 */
export function hasOneHost({ headers, rawHeaders }: IncomingMessage): boolean {
  const { host } = headers
  if (host === undefined) return true
  let lines = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && name.toLowerCase() === 'host') lines += 1
  }
  return lines === 1 && form.test(host)
}

/** Answers a request that does not, as RFC 9112 §3.2 says, and closes its connection. */
export async function refuseHost(req: IncomingMessage, res: ServerResponse): Promise<void> {
  drain(req)
  const refused = new Refused(
    'MALFORMED_REQUEST',
    'The request must have one Host header, with a host and optionally a port.',
  )
  const requestId = String(res.getHeader('x-request-id') ?? '')
  const problem = problemResponse(refused, { path: shownPath(req.url ?? ''), requestId })
  res.writeHead(problem.status, { ...Object.fromEntries(problem.headers), connection: 'close' })
  res.end(await problem.text())
}
