import { debuglog } from 'node:util'
import { CommanderError } from 'commander'
import { SignalboxError } from '#client/index.ts'
import type { Environment } from './environment.ts'
import { CommandFailure, exitCodeOf, exitCodes } from './exit-codes.ts'
import { Interrupted } from './interrupt.ts'
import { Output } from './output.ts'
import { createProgram } from './program.ts'
import type { ServerCommands } from './server-commands.ts'
import { Session } from './session.ts'
import { printable } from './text.ts'

const debug = debuglog('signalbox')

export interface RunOptions {
  readonly server: ServerCommands
  /** How the user calls this program, such as `npm run -s signalbox --`. */
  readonly invocation: string
  readonly env: Environment
}

/**
 * Does what the arguments ask for; resolves with the exit code, unless it was interrupted, which ends the process.
 * Errors are printed on standard error, and never thrown.
 */
export async function run(args: readonly string[], { server, invocation, env }: RunOptions): Promise<number> {
  const output = new Output({ stdout: process.stdout, stderr: process.stderr, env })
  const session = new Session({ server, invocation, env, output })
  const isJson = args.includes('--json')
  endWithReader()
  try {
    const say = (text: string) => isJson || process.stderr.write(text)
    const program = await createProgram(args, session, say)
    await program.parseAsync([...args], { from: 'user' })
    return session.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok
    // A process that exits stops listening to signals a moment before it is gone: an echo would kill it then.
    if (error instanceof Interrupted) process.exit(error.exitCode)
    debug('%O', error)
    if (isJson) output.remark(JSON.stringify({ error: record(error) }))
    // Commander has told its user already.
    else if (!(error instanceof CommanderError)) output.remark(sentence(error, invocation))
    return exitCodeOf(error)
  }
}

/** Ends quietly when the reader of a pipe, such as `head`, has had enough. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(exitCodes.ok)
  })
  // Nobody is left to be told; the exit code still says it.
  process.stderr.on('error', () => {})
}

function record(error: unknown): object {
  const { code, issues } = error instanceof SignalboxError ? error : {}
  if (error instanceof CommanderError) return { code: 'COMMAND_FAILED', message: error.message.replace(/^error: /, '') }
  return {
    code: code ?? (error instanceof CommandFailure ? 'COMMAND_FAILED' : 'INTERNAL'),
    message: messageOf(error),
    issues,
  }
}

function sentence(error: unknown, invocation: string): string {
  if (error instanceof CommandFailure) return error.message
  if (!(error instanceof SignalboxError)) {
    return `This is a bug of the command line: ${printable(messageOf(error))} (NODE_DEBUG=signalbox shows where).`
  }
  if (error.code === 'UNAUTHENTICATED')
    return `The server does not accept the token. Check SIGNALBOX_TOKEN or --token: it may belong to another server, or be revoked.\nWithout one, sign in with \`${invocation} login\`.`
  const issues = (error.issues ?? []).map(({ path, message }) => `  ${path ? `${path}: ` : ''}${printable(message)}`)
  return [printable(error.summary), ...issues, ...advice(error, invocation)].join('\n')
}

/** How validation words it that a schema doesn't have what an operation names. */
const unknownToSchema = /^(Unknown (type|argument|directive) |Cannot query field |Field ".+" is not defined by type )/

function advice({ code, status, message }: SignalboxError, invocation: string): string[] {
  // The operations are the command line's own, so nothing is wrong with what its user gave.
  if (status === 400 && unknownToSchema.test(message))
    return ['The server does not know this operation: it is of another version than this command line, probably older.']
  if (code === 'UNREACHABLE') return [`Is the server running (${invocation} serve)? Is SIGNALBOX_URL or --url right?`]
  return []
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
