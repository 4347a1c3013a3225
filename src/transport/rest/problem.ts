import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { meaningOf } from './codes.ts'
import type { Refused } from './refused.ts'

export const problemType = 'application/problem+json'

/** A problem document (RFC 9457) that also carries the documented fields `statusCode`, `message` and `error`. */
export const problem = z
  .object({
    type: z
      .string()
      .describe('`about:blank`: the title says it (RFC 9457 §4.2.1); `code` is what a program decides by.'),
    title: z.string().describe('The status in words.'),
    status: z.int().describe('The HTTP status.'),
    detail: z.string().describe('What is wrong, as a sentence.'),
    instance: z.string().describe('The path that was asked for.'),
    statusCode: z.int().describe('The same as `status`.'),
    message: z.string().describe('The same as `detail`.'),
    error: z.string().describe('The same as `title`.'),
    code: z.string().describe('Stable, such as NOT_FOUND or INVALID_INPUT: what a program decides by.'),
    requestId: z.string().describe('Under which the server’s log has the request; also in `X-Request-Id`.'),
    issues: z
      .array(z.object({ path: z.string().describe('Where, such as `data.durationMs`.'), message: z.string() }))
      .optional()
      .describe('Everything that is wrong with the input.'),
  })
  .meta({ id: 'Problem', description: 'Why a request was not done (RFC 9457).' })

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
