import { type InputIssue, SignalboxError } from './errors.ts'

interface ReportedFailure {
  readonly code: string
  readonly message: string
  readonly summary?: string
  readonly issues?: readonly InputIssue[]
}

/** What a mutation did. @throws {SignalboxError} with code, message and issues, when it answered with a failure instead. */
export function payloadOf<Result extends object>(result: Result): Exclude<Result, ReportedFailure> {
  if (!isFailure(result)) return result as Exclude<Result, ReportedFailure>
  const { code, message, summary, issues } = result
  throw new SignalboxError(message, { code, summary, issues })
}

function isFailure(result: object): result is ReportedFailure {
  return 'code' in result && 'message' in result
}
