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
  /** The refusal without its issues, such as `The webhook is not valid.`; all of it when there are no issues. */
  readonly summary: string
  readonly issues: readonly InputIssue[]
  constructor(summary: string, issues: readonly InputIssue[] = [], message = withIssues(summary, issues)) {
    super(message)
    this.summary = summary
    this.issues = issues
  }
}

/** Refuses an input for everything that is wrong with it; `what` is the sentence's subject, such as `The webhook`. */
export function invalidInput(what: string, issues: readonly InputIssue[]): InvalidInput {
  return new InvalidInput(`${what} is not valid.`, issues)
}

/** Refuses a single value: `what` and `fault` make a sentence, such as `The prefix` and `must end with a slash`. */
export function invalidValue(what: string, path: string, fault: string): InvalidInput {
  return new InvalidInput(`${what} is not valid.`, [{ path, message: fault }], `${what} ${fault}.`)
}

/** The refusal of one item of a list, such as of `Task 3`, as the refusal of the whole list at `path`, such as `tasks.3`. */
export function invalidItem(item: string, path: string, { summary, issues }: InvalidInput): InvalidInput {
  const inside = issues.map((issue) => ({ ...issue, path: issue.path ? `${path}.${issue.path}` : path }))
  return new InvalidInput(`${item}: ${summary}`, inside)
}

/** The sentence of a refusal: its summary, then each issue behind its path. */
export function withIssues(summary: string, issues: readonly InputIssue[]): string {
  if (issues.length === 0) return summary
  const list = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')
  return `${summary} ${list}${/[.!?]$/.test(list) ? '' : '.'}`
}

/** The installation itself stands in the way, and an operator has to do something; ends the process with the sentence. */
export class StartupError extends AppError {
  readonly code = 'STARTUP_FAILED'
}

/** The text of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
