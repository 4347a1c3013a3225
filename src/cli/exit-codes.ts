import { CommanderError } from 'commander'
import { SignalboxError, type TaskStatus } from '#client/index.ts'
import { errorTable, kindOf } from '#lib/error-codes.ts'

/** The exit codes of the command line, which scripts rely on. */
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

/** What each exit code means: the source of the help and of the documentation’s table. */
const exitCodeMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'success; with --watch: the task is COMPLETED',
  failed:
    'the task is FAILED; serve, migrate: could not start; doctor: found a problem; audit verify: the log is not intact',
  invalid: 'wrong usage, or input that the server refuses',
  denied: 'not signed in, or not allowed',
  missing: 'not found, or expired',
  conflict:
    'conflict: the task has already ended, the key is taken, the version is another, or the lock is held or lost',
  limited: 'too many requests, or a quota is used up',
  unavailable: 'the server, or something that it needs, cannot be reached',
  cancelled: 'the task is CANCELLED',
  bug: 'a bug',
  interrupted: 'stopped by Ctrl-C; a watched task continues',
  terminated: 'stopped by SIGTERM; a watched task continues',
}

/** The exit codes with their meanings, in order. */
export const exitCodeList: readonly { readonly code: number; readonly meaning: string }[] = Object.entries(
  exitCodeMeanings,
).map(([name, meaning]) => ({ code: exitCodes[name as keyof typeof exitCodes], meaning }))

/** The exit codes as a section of the help. */
export const exitCodeHelp = `
Exit codes:
${exitCodeList.map(({ code, meaning }) => `  ${String(code).padEnd(4)} ${meaning}`).join('\n')}
`

/** Codes of the client’s own errors. */
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

/** The exit code for the status of a task; undefined while it has not ended. */
export function exitCodeOfStatus(status: TaskStatus): number | undefined {
  if (status === 'COMPLETED') return exitCodes.ok
  if (status === 'FAILED') return exitCodes.failed
  return status === 'CANCELLED' ? exitCodes.cancelled : undefined
}

/** A command failed; `message` is all that its user needs. */
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
