import { within } from '#lib/within.ts'
import type { Logger } from '#platform/telemetry/log.ts'

/** How long one thing may take to close before the others go on without it, in milliseconds. */
const closeMs = 2_000

/**
 * What was opened, closed in reverse; a start that fails halfway closes what it had opened. What waits for a database that
 * doesn't answer is left behind after a while, so that closing ends in any case.
 */
export class Opened {
  readonly #log: Logger
  readonly #closers: (() => Promise<void>)[] = []

  constructor(log: Logger) {
    this.#log = log
  }

  add(close: () => Promise<void>): void {
    this.addBounded(async () => {
      if (!(await within(closeMs, close()))) this.#log.warn('something did not close in time; going on without it')
    })
  }

  /** Adds what is known to end by itself, however long that takes. */
  addBounded(close: () => Promise<void>): void {
    this.#closers.unshift(close)
  }

  async closeAll(): Promise<void> {
    for (const close of this.#closers.splice(0)) {
      try {
        await close()
      } catch (error) {
        this.#log.error({ err: error }, 'something did not close as it should')
      }
    }
  }
}
