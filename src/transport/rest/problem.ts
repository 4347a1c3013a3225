import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { meaningOf } from './codes.ts'
import type { Refused } from './refused.ts'

export const problemType = 'application/problem+json'

/** A problem document (RFC 9457) that also carries the documented fields `statusCode`, `message` and `error`. */
export const problem = z
  .object({
    type: z.string().describe('`about:blank`: the title says it all (RFC 9457 §4.2.1). Programs should use `code`.'),
    title: z.string().describe('The status in words.'),
    status: z.int().describe('The HTTP status.'),
    detail: z.string().describe('What is wrong, in one sentence.'),
    instance: z.string().describe('The requested path.'),
    statusCode: z.int().describe('The same as `status`.'),
    message: z.string().describe('The same as `detail`.'),
    error: z.string().describe('The same as `title`.'),
    code: z.string().describe('A stable code for programs, such as NOT_FOUND or INVALID_INPUT.'),
    requestId: z.string().describe('Identifies the request in the server’s log; also in `X-Request-Id`.'),
    issues: z
      .array(z.object({ path: z.string().describe('Where, such as `data.durationMs`.'), message: z.string() }))
      .optional()
      .describe('All issues found in the input.'),
  })
  .meta({ id: 'Problem', description: 'Why a request failed (RFC 9457).' })

const fixedHeaders = { 'content-type': problemType, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** The answer to a request that was refused. */
export function problemResponse(refused: Refused, request: { path: string; requestId: string }): Response {
  const { status, retryAfterS } = meaningOf(refused.code)
  const title = STATUS_CODES[status] ?? 'Error'
  const { message, code, issues } = refused
  const body: z.output<typeof problem> = {
    type: 'about:blank',
    title,
    status,
    detail: message,
    instance: request.path,
    statusCode: status,
    message,
    error: title,
    code,
    requestId: request.requestId,
    ...(issues.length > 0 && { issues: [...issues] }),
  }
  const headers = new Headers({ ...fixedHeaders, ...refused.headers })
  if (status === 401) headers.set('www-authenticate', 'Bearer realm="signalbox"')
  if (retryAfterS !== undefined && !headers.has('retry-after')) headers.set('retry-after', String(retryAfterS))
  return new Response(JSON.stringify(body), { status, headers })
}
