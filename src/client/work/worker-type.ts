import type { TaskTypeInput } from '#client/generated/graphql.ts'

/** What a handler gets to work with. */
export interface WorkContext<Input = unknown> {
  readonly input: Input
  readonly task: { readonly id: string; readonly type: string; readonly labels: Readonly<Record<string, string>> }
  /** 1 for the first attempt. */
  readonly attempt: number
  /** Aborts when the task is to stop: with `cancelled`, `lost` (another attempt may have begun) or `released` (the worker stops). */
  readonly signal: AbortSignal
  /** Sets the percentage, 0 to 100, and, when given, the current step. Cheap: call it as often as you like. */
  progress(percent: number, step?: string): void
  /** Adds lines to the task's log. */
  log(message: string): void
  /** Keeps a named piece of the result: text and bytes as they are, anything else as JSON. Resolves when it can be read. */
  part(name: string, data: unknown, contentType?: string): Promise<void>
}

/** Executes tasks of a type; what it returns is the result. */
export type WorkHandler = (context: WorkContext<never>) => unknown

/** A task type that a worker registers and executes; or only executes, when it has no input schema. */
export interface WorkerType extends Partial<Omit<TaskTypeInput, 'name'>> {
  run: WorkHandler
}

/** Thrown by a handler to say how its attempt failed; any other error is retryable, with the code HANDLER_FAILED. */
export class WorkFailure extends Error {
  /** Capital letters, digits and `_`. */
  readonly code: string
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    { code = 'HANDLER_FAILED', retryable = true, retryAfterMs, ...options }: WorkFailureDetails = {},
  ) {
    super(message, options)
    this.name = 'WorkFailure'
    this.code = code
    this.retryable = retryable
    this.retryAfterMs = retryAfterMs
  }
}

export interface WorkFailureDetails extends ErrorOptions {
  readonly code?: string
  /** Whether another attempt could help. Default: true. */
  readonly retryable?: boolean
  /** When another attempt may follow, in milliseconds. Default: as the task's retry policy says. */
  readonly retryAfterMs?: number
}
