import { type ErrorCode, errorTable, kindOf } from '#lib/error-codes.ts'

/** What a code means in HTTP: the status, and after how many seconds trying again can help. */
interface CodeMeaning {
  readonly status: number
  readonly retryAfterS?: number
}

/** What only REST refuses, or means otherwise than the kind of the failure says. */
const ownCodes = {
  METHOD_NOT_ALLOWED: { status: 405 },
  TASK_DOES_NOT_RECUR: { status: 409 },
  RESULT_EXPIRED: { status: 410 },
  PRECONDITION_FAILED: { status: 412 },
  RANGE_NOT_SATISFIABLE: { status: 416 },
  // A cursor is part of the address here, so a bad one makes the request malformed.
  INVALID_CURSOR: { status: 400 },
  QUOTA_EXCEEDED: { status: 429, retryAfterS: 60 },
  RATE_LIMITED: { status: 429, retryAfterS: 1 },
  UNAVAILABLE: { status: 503, retryAfterS: 5 },
  STARTUP_FAILED: { status: 503, retryAfterS: 5 },
  INTERNAL: { status: 500 },
} as const satisfies Record<string, CodeMeaning>

/** A code that has a status in REST. */
export type RefusalCode = keyof typeof ownCodes | ErrorCode

/** What a code means in HTTP; an unknown one is a bug of ours, and so an internal error. */
export function meaningOf(code: string): CodeMeaning {
  if (Object.hasOwn(ownCodes, code)) return ownCodes[code as keyof typeof ownCodes]
  const kind = kindOf(code)
  return kind === undefined ? ownCodes.INTERNAL : { status: errorTable[kind].status }
}
