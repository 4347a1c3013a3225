import { type ErrorCode, type ErrorKind, errorCodes } from './error-codes.ts'

/** An expected failure: its `message` is written for the caller, its `code` is stable and may be acted on. */
export abstract class AppError extends Error {
  abstract readonly code: ErrorCode
  get kind(): ErrorKind {
    return errorCodes[this.code]
  }
  override get name(): string {
    return this.constructor.name
  }
}

/** One thing that is wrong with an input: where, and why. */
export interface InputIssue {
  /** Path from the input's root, such as `input.durationMs`; empty for the input itself. */
  readonly path: string
  readonly message: string
}

/** The input has the right form but a content that is refused; `issues` says where and why. */
export class InvalidInput extends AppError {
  readonly code = 'INVALID_INPUT'
  readonly issues: readonly InputIssue[]
  constructor(message: string, issues: readonly InputIssue[] = []) {
    super(message)
    this.issues = issues
  }
}

/** The installation itself stands in the way, and an operator has to do something; ends the process with the sentence. */
export class StartupError extends AppError {
  readonly code = 'STARTUP_FAILED'
}

/** The text of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
