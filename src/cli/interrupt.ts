import { exitCodes } from './exit-codes.ts'

/** The user, or the system, wants this command to end. */
export class Interrupted extends Error {
  readonly exitCode: number
  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`)
    this.exitCode = signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
  }
}

export interface Interruption extends Disposable {
  /** Aborts, with {@link Interrupted}, at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
}

/** npm hands on a signal that the terminal has already sent to everybody: the same Ctrl-C arrives twice. */
const echoMs = 500

/**
 * Lets a command end in order when it is interrupted; a second Ctrl-C ends it at once. Once interrupted it goes on
 * listening to the end of the process, which the echo of the first Ctrl-C would otherwise kill.
 */
export function interruption(): Interruption {
  const controller = new AbortController()
  let firstAt = 0
  const interrupt = (signal: NodeJS.Signals) => {
    const reason = new Interrupted(signal === 'SIGTERM' ? 'SIGTERM' : 'SIGINT')
    if (controller.signal.aborted && performance.now() - firstAt > echoMs) process.exit(reason.exitCode)
    firstAt ||= performance.now()
    controller.abort(reason)
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      if (controller.signal.aborted) return
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    },
  }
}
