import { type Logger, pino } from 'pino'
import { PinoPretty as pretty } from 'pino-pretty'
import { sourceStack } from './source-stack.ts'

export type { Logger } from 'pino'
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Fields that may carry a secret; they are cut out of every record, however deep a caller's object is logged. */
const secretPaths = ['authorization', 'token', 'password', 'secret', 'connectionParams', 'cookie'].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
])

/** The process's structured log, on standard output: JSON lines, or readable lines for a terminal. */
export function createLog(options: { level: LogLevel; format: 'json' | 'pretty'; isColored?: boolean }): Logger {
  const settings = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
    redact: { paths: secretPaths, censor: '[redacted]' },
  }
  if (options.format === 'json') return pino(settings)
  return pino(
    settings,
    pretty({ colorize: options.isColored ?? false, translateTime: 'SYS:HH:MM:ss.l', singleLine: true, sync: true }),
  )
}

interface ErrorRecord {
  readonly type: string
  readonly message: string
  readonly code?: unknown
  readonly stack?: string | undefined
  readonly cause?: ErrorRecord
}

/** What is logged of an error: not its further properties, in which a database, say, repeats the row that it refused. */
function describeError(error: unknown): ErrorRecord {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) }
  const { name: type, message, stack, cause } = error
  const code = 'code' in error ? { code: error.code } : {}
  return {
    type,
    message,
    ...code,
    stack: stack && sourceStack(stack),
    ...(cause !== undefined && { cause: describeError(cause) }),
  }
}
