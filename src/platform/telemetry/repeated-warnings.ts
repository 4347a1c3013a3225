import type { Logger } from './log.ts'

/** For how long the same warning is counted instead of being logged again, in milliseconds. */
const windowMs = 10_000

/**
 * Logs a warning at once, and how often it was repeated ten seconds later: what fails during an outage fails hundreds of
 * times a second, for one reason.
 */
export class RepeatedWarnings {
  readonly #log: Logger
  /** How often each message was repeated since it was logged. */
  readonly #repeats = new Map<string, number>()

  constructor(log: Logger) {
    this.#log = log
  }

  warn(error: unknown, message: string): void {
    const repeats = this.#repeats.get(message)
    this.#repeats.set(message, repeats === undefined ? 0 : repeats + 1)
    if (repeats !== undefined) return
    this.#log.warn({ err: error }, message)
    setTimeout(() => this.#closeWindow(message), windowMs).unref()
  }

  #closeWindow(message: string): void {
    const repeats = this.#repeats.get(message) ?? 0
    this.#repeats.delete(message)
    if (repeats > 0) this.#log.warn({ repeats, seconds: windowMs / 1000 }, message)
  }
}
