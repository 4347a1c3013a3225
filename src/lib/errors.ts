/** What an expected failure means to its caller; every transport derives its own answer from it. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'precondition-failed'
  | 'precondition-required'
  | 'too-large'
  | 'gone'
  | 'rate-limited'
  | 'upstream'
  | 'unavailable'

/** An expected failure: its `message` is written for the caller, its `code` is stable and may be acted on. */
export abstract class AppError extends Error {
  abstract readonly kind: ErrorKind
  abstract readonly code: string
  override get name(): string {
    return this.constructor.name
  }
}

/** How each kind of failure looks from outside: HTTP status, WebSocket close code, exit code of the command line, and whether trying again can help. */
export const errorTable = {
  invalid: { status: 422, closeCode: 4400, exitCode: 2, retry: false },
  unauthenticated: { status: 401, closeCode: 4403, exitCode: 3, retry: false },
  forbidden: { status: 403, closeCode: 4403, exitCode: 3, retry: false },
  'not-found': { status: 404, closeCode: 4400, exitCode: 4, retry: false },
  conflict: { status: 409, closeCode: 4400, exitCode: 5, retry: false },
  'precondition-failed': { status: 412, closeCode: 4400, exitCode: 5, retry: false },
  'precondition-required': { status: 428, closeCode: 4400, exitCode: 5, retry: false },
  'too-large': { status: 413, closeCode: 4400, exitCode: 2, retry: false },
  gone: { status: 410, closeCode: 4400, exitCode: 4, retry: false },
  'rate-limited': { status: 429, closeCode: 4429, exitCode: 6, retry: true },
  upstream: { status: 502, closeCode: 4500, exitCode: 7, retry: true },
  unavailable: { status: 503, closeCode: 4500, exitCode: 7, retry: true },
} as const satisfies Record<ErrorKind, { status: number; closeCode: number; exitCode: number; retry: boolean }>

/** One thing that is wrong with an input: where, and why. */
export interface InputIssue {
  /** Path from the input's root, such as `input.durationMs`; empty for the input itself. */
  readonly path: string
  readonly message: string
}

/** The input has the right form but a content that is refused; `issues` says where and why. */
export class InvalidInput extends AppError {
  readonly kind = 'invalid'
  readonly code = 'INVALID_INPUT'
  readonly issues: readonly InputIssue[]
  constructor(message: string, issues: readonly InputIssue[] = []) {
    super(message)
    this.issues = issues
  }
}

/** The installation itself stands in the way, and an operator has to do something; ends the process with the sentence. */
export class StartupError extends AppError {
  readonly kind = 'unavailable'
  readonly code = 'STARTUP_FAILED'
}

/** The text of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
