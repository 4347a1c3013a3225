/** One thing that is wrong with an input: where (such as `input.durationMs`; empty for the whole), and why. */
export interface InputIssue {
  readonly path: string
  readonly message: string
}

export interface SignalboxErrorDetails extends ErrorOptions {
  readonly code: string
  readonly summary?: string | undefined
  readonly issues?: readonly InputIssue[] | undefined
  readonly status?: number | undefined
}

/** The server, or this client, did not do what was asked; act on `code`, show `message` to people. */
export class SignalboxError extends Error {
  /** Stable: one of the API's codes, or CLIENT_CLOSED, NO_WEBSOCKET, READER_TOO_SLOW, UNEXPECTED_RESPONSE, UNREACHABLE. */
  readonly code: string
  /** The message without the issues, where there are any. */
  readonly summary: string
  /** Everything that is wrong with the input, where the server said so. */
  readonly issues: readonly InputIssue[] | undefined
  /** The HTTP status, where there was an answer over HTTP. */
  readonly status: number | undefined

  constructor(message: string, { code, summary, issues, status, ...options }: SignalboxErrorDetails) {
    super(message, options)
    this.code = code
    this.summary = summary ?? message
    this.issues = issues
    this.status = status
  }

  override get name(): string {
    return this.constructor.name
  }
}

/** No answer came: the network, or a server that is down or restarting. Whether a mutation took effect isn't known. */
export class SignalboxUnreachable extends SignalboxError {
  constructor(message: string, options: Omit<SignalboxErrorDetails, 'code'> = {}) {
    super(message, { ...options, code: 'UNREACHABLE' })
  }
}

const passingCodes = new Set(['UNREACHABLE', 'UNAVAILABLE', 'RATE_LIMITED'])

/** Whether the same may well succeed a little later. */
export function isPassing(error: unknown): error is SignalboxError {
  return error instanceof SignalboxError && passingCodes.has(error.code)
}

/** An error as GraphQL writes it. */
export interface WireError {
  readonly message: string
  readonly extensions?: { readonly code?: unknown; readonly summary?: unknown; readonly issues?: unknown } | undefined
}

/** The first of the errors that an operation was answered with. */
export function operationError(errors: readonly WireError[], status?: number): SignalboxError {
  const { message, extensions } = errors[0] ?? { message: 'The server reported an error without saying which.' }
  const code = typeof extensions?.code === 'string' ? extensions.code : 'INTERNAL'
  const issues = Array.isArray(extensions?.issues) ? (extensions.issues as InputIssue[]) : undefined
  const summary = typeof extensions?.summary === 'string' ? extensions.summary : undefined
  return new SignalboxError(message, { code, summary, issues, status })
}
