/** What an expected failure means to its caller; every transport derives its own answer from it. */
export type ErrorKind = keyof typeof errorTable

/** "Try again later" (IANA's WebSocket close codes): clients of GraphQL connect again after it, and give up after 4429 or 4500. */
export const tryAgainLater = 1013

/** How each kind of failure looks from outside: HTTP status, WebSocket close code, exit code of the command line, and whether trying again can help. */
export const errorTable = {
  invalid: { status: 422, closeCode: 4400, exitCode: 2, retry: false },
  unauthenticated: { status: 401, closeCode: 4403, exitCode: 3, retry: false },
  forbidden: { status: 403, closeCode: 4403, exitCode: 3, retry: false },
  'not-found': { status: 404, closeCode: 4400, exitCode: 4, retry: false },
  conflict: { status: 409, closeCode: 4400, exitCode: 5, retry: false },
  'precondition-failed': { status: 412, closeCode: 4400, exitCode: 5, retry: false },
  'precondition-required': { status: 428, closeCode: 4400, exitCode: 5, retry: false },
  timeout: { status: 408, closeCode: 4408, exitCode: 7, retry: true },
  malformed: { status: 400, closeCode: 4400, exitCode: 2, retry: false },
  'unsupported-media-type': { status: 415, closeCode: 4400, exitCode: 2, retry: false },
  'too-large': { status: 413, closeCode: 4400, exitCode: 2, retry: false },
  'not-acceptable': { status: 406, closeCode: 4400, exitCode: 2, retry: false },
  gone: { status: 410, closeCode: 4400, exitCode: 4, retry: false },
  'rate-limited': { status: 429, closeCode: tryAgainLater, exitCode: 6, retry: true },
  upstream: { status: 502, closeCode: tryAgainLater, exitCode: 7, retry: true },
  unavailable: { status: 503, closeCode: tryAgainLater, exitCode: 7, retry: true },
} as const

/** Every code that a caller may act on, and what kind of failure it is. */
export const errorCodes = {
  UNAUTHENTICATED: 'unauthenticated',
  FORBIDDEN: 'forbidden',
  SCOPE_NOT_HELD: 'forbidden',
  OWN_ROLE: 'forbidden',
  NOT_FOUND: 'not-found',
  INVALID_INPUT: 'invalid',
  UNKNOWN_TASK_TYPE: 'invalid',
  INVALID_CURSOR: 'invalid',
  TOO_COMPLEX: 'invalid',
  PERSISTED_QUERY_NOT_SUPPORTED: 'invalid',
  MALFORMED_REQUEST: 'malformed',
  UNSUPPORTED_MEDIA_TYPE: 'unsupported-media-type',
  NOT_ACCEPTABLE: 'not-acceptable',
  OPERATION_NOT_PERSISTED: 'forbidden',
  TOO_LARGE: 'too-large',
  REQUEST_TIMEOUT: 'timeout',
  ALREADY_EXISTS: 'conflict',
  ACCOUNT_REQUIRED: 'conflict',
  ACCOUNT_STATE: 'conflict',
  VERSION_CONFLICT: 'conflict',
  VERSION_REQUIRED: 'precondition-required',
  PATCH_FAILED: 'conflict',
  SCHEMA_VIOLATION: 'invalid',
  NOT_A_NUMBER: 'conflict',
  OUT_OF_BOUNDS: 'conflict',
  LOCK_HELD: 'conflict',
  FENCE_LOST: 'conflict',
  TASK_ALREADY_ENDED: 'conflict',
  TASK_NOT_RETRYABLE: 'conflict',
  SCHEDULE_ENDED: 'conflict',
  LEASE_LOST: 'conflict',
  NO_APPROVAL_PENDING: 'conflict',
  SELF_APPROVAL: 'forbidden',
  TOO_MANY_SIGNALS: 'conflict',
  IDEMPOTENCY_KEY_REUSED: 'conflict',
  TOKEN_ENDED: 'conflict',
  TOKEN_SHOWN: 'conflict',
  AUTHORIZATION_PENDING: 'conflict',
  SLOW_DOWN: 'rate-limited',
  ACCESS_DENIED: 'forbidden',
  EXPIRED_TOKEN: 'gone',
  LAST_OWNER: 'conflict',
  LAST_TEAM: 'conflict',
  WEBHOOK_NOT_ACTIVE: 'conflict',
  SALESFORCE_CONNECTION_FAILED: 'malformed',
  SALESFORCE_ORG_UNUSABLE: 'conflict',
  CURSOR_EXPIRED: 'gone',
  QUOTA_EXCEEDED: 'rate-limited',
  RATE_LIMITED: 'rate-limited',
  UPSTREAM_FAILED: 'upstream',
  UNAVAILABLE: 'unavailable',
  STARTUP_FAILED: 'unavailable',
} as const satisfies Record<string, ErrorKind>
export type ErrorCode = keyof typeof errorCodes

/** What kind of failure a code stands for; undefined for a code that is none of ours. */
export function kindOf(code: string): ErrorKind | undefined {
  return Object.hasOwn(errorCodes, code) ? errorCodes[code as ErrorCode] : undefined
}
