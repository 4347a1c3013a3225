import { CommanderError } from 'commander'
import { SignalboxError, type TaskStatus } from '#client/index.ts'
import { errorTable, kindOf } from '#lib/error-codes.ts'

/** What the process ends with; scripts decide by it. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  invalid: 2,
  denied: 3,
  missing: 4,
  conflict: 5,
  limited: 6,
  unavailable: 7,
  cancelled: 8,
  bug: 70,
  interrupted: 130,
  terminated: 143,
} as const

/** The same in words, for the help. */
export const exitCodeHelp = `
Exit codes:
  0    done; with --watch: the task is COMPLETED
  1    the task is FAILED; serve, migrate: impossible; doctor: there is a problem; audit verify: a fault
  2    wrong usage, or input that the server refuses
  3    not signed in, or not allowed
  4    not found, or expired
  5    conflict: the task has already ended, the key is taken …
  6    too many requests, or a quota is used up
  7    the server, or what it needs, can't be reached
  8    the task is CANCELLED
  70   a bug
  130  stopped by Ctrl-C (143: by SIGTERM); a task that was watched goes on
`

/** What the client says by itself, without a server. */
const exitCodeByClientCode: ReadonlyMap<string, number> = new Map([
  ['UNREACHABLE', exitCodes.unavailable],
  ['UNEXPECTED_RESPONSE', exitCodes.unavailable],
  ['READER_TOO_SLOW', exitCodes.unavailable],
  ['CLIENT_CLOSED', exitCodes.interrupted],
])

/** The exit code for a code of the API, or of its client. */
export function exitCodeOfError(code: string): number {
  const kind = kindOf(code)
  return kind === undefined ? (exitCodeByClientCode.get(code) ?? exitCodes.bug) : errorTable[kind].exitCode
}

/** The exit code for how a task stands; undefined while it has not ended. */
export function exitCodeOfStatus(status: TaskStatus): number | undefined {
  if (status === 'COMPLETED') return exitCodes.ok
  if (status === 'FAILED') return exitCodes.failed
  return status === 'CANCELLED' ? exitCodes.cancelled : undefined
}

/** A command can't do what was asked; `message` is all that its user needs. */
export class CommandFailure extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode: number = exitCodes.invalid, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandFailure) return error.exitCode
  if (error instanceof CommanderError) return exitCodes.invalid
  if (error instanceof SignalboxError) return exitCodeOfError(error.code)
  return exitCodes.bug
}
