import { type Logger, pino } from 'pino'
import { PinoPretty as pretty } from 'pino-pretty'

export type { Logger } from 'pino'
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Fields that may carry a secret; they are cut out of every record, however deep a caller's object is logged. */
const secretPaths = ['authorization', 'token', 'password', 'secret', 'connectionParams', 'cookie'].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
])

/** The process's structured log, on standard output: JSON lines, or readable lines for a terminal. */
export function createLog(options: { level: LogLevel; format: 'json' | 'pretty' }): Logger {
  const settings = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secretPaths, censor: '[redacted]' },
  }
  if (options.format === 'json') return pino(settings)
  return pino(settings, pretty({ colorize: true, translateTime: 'SYS:HH:MM:ss.l', sync: true }))
}
