import { STATUS_CODES } from 'node:http'
import type { z } from 'zod'
import type { RefusalCode } from './codes.ts'
import type { problem } from './problem.ts'

/** A typical refusal of each status. */
const examples: Readonly<Record<number, readonly [code: RefusalCode, detail: string]>> = {
  400: ['MALFORMED_REQUEST', 'The query is not valid. limit: must be at most 200.'],
  401: ['UNAUTHENTICATED', 'A valid token is needed.'],
  403: ['FORBIDDEN', 'The token lacks the scope tasks:write.'],
  404: ['NOT_FOUND', 'There is no task 019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11.'],
  406: ['NOT_ACCEPTABLE', 'The answer is JSON: accept "application/json".'],
  408: ['REQUEST_TIMEOUT', 'The body took too long.'],
  409: ['VERSION_CONFLICT', 'The document is at version 4, not at version 3.'],
  410: ['RESULT_EXPIRED', 'The result of task 019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11 has expired.'],
  412: ['PRECONDITION_FAILED', 'The document is at version 4, not at version 3.'],
  413: ['TOO_LARGE', 'The body must be at most 1048576 bytes.'],
  415: ['UNSUPPORTED_MEDIA_TYPE', 'The body must be JSON: send it with "Content-Type: application/json".'],
  416: ['RANGE_NOT_SATISFIABLE', 'The part has 1024 bytes.'],
  422: ['INVALID_INPUT', 'The body is not valid. data.durationMs: must be a number.'],
  428: ['VERSION_REQUIRED', 'The collection requires a version with each write.'],
  429: ['RATE_LIMITED', 'Too many requests. Try again in 1 s.'],
  502: ['UPSTREAM_FAILED', 'The identity provider does not answer.'],
  503: ['UNAVAILABLE', 'The database is not available. Try again in 5 s.'],
}

/** A problem document as a refusal of this status may look; undefined for a status that nothing is refused with. */
export function problemExample(status: number): z.output<typeof problem> | undefined {
  const [code, detail] = examples[status] ?? []
  if (code === undefined || detail === undefined) return undefined
  const title = STATUS_CODES[status] ?? 'Error'
  return {
    type: 'about:blank',
    title,
    status,
    detail,
    instance: '/api/tasks',
    statusCode: status,
    message: detail,
    error: title,
    code,
    requestId: '6f1c2a52-6d0b-4a53-9d1b-0f4b0a1c2d3e',
  }
}
