/** What a code means in HTTP: the status, and after how many seconds trying again can help. */
interface CodeMeaning {
  readonly status: number
  readonly retryAfterS?: number
}

/**
 * The HTTP status of every code that a request can be refused with: first what only this door refuses, then what
 * GraphQL says. A test holds it against the codes that the domains define.
 */
export const codeTable = {
  MALFORMED_REQUEST: { status: 400 },
  METHOD_NOT_ALLOWED: { status: 405 },
  NOT_ACCEPTABLE: { status: 406 },
  TASK_DOES_NOT_RECUR: { status: 409 },
  RESULT_EXPIRED: { status: 410 },
  TOO_LARGE: { status: 413 },
  UNSUPPORTED_MEDIA_TYPE: { status: 415 },
  RANGE_NOT_SATISFIABLE: { status: 416 },

  UNAUTHENTICATED: { status: 401 },
  FORBIDDEN: { status: 403 },
  SCOPE_NOT_HELD: { status: 403 },
  TOKEN_ENDED: { status: 409 },
  NOT_FOUND: { status: 404 },
  INVALID_INPUT: { status: 422 },
  UNKNOWN_TASK_TYPE: { status: 422 },
  TOO_COMPLEX: { status: 422 },
  ALREADY_EXISTS: { status: 409 },
  VERSION_CONFLICT: { status: 409 },
  VERSION_REQUIRED: { status: 428 },
  TASK_ALREADY_ENDED: { status: 409 },
  TASK_NOT_RETRYABLE: { status: 409 },
  IDEMPOTENCY_KEY_REUSED: { status: 409 },
  INVALID_CURSOR: { status: 400 },
  CURSOR_EXPIRED: { status: 410 },
  QUOTA_EXCEEDED: { status: 429, retryAfterS: 60 },
  RATE_LIMITED: { status: 429, retryAfterS: 1 },
  UPSTREAM_FAILED: { status: 502 },
  UNAVAILABLE: { status: 503, retryAfterS: 5 },
  STARTUP_FAILED: { status: 503, retryAfterS: 5 },
  INTERNAL: { status: 500 },
} as const satisfies Record<string, CodeMeaning>

/** A code that this door knows the status of. */
export type RefusalCode = keyof typeof codeTable

/** What a code means in HTTP; one that isn't in the table is a bug of ours, and so an internal error. */
export function meaningOf(code: string): CodeMeaning {
  return Object.hasOwn(codeTable, code) ? codeTable[code as RefusalCode] : codeTable.INTERNAL
}
