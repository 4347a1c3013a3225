import { within } from '#lib/within.ts'
import type { Logger } from '#platform/telemetry/log.ts'

/** How long one step may take before the others go on without it, in milliseconds. */
const stepMs = 2_000

/**
 * Closes what was opened, in reverse order; a start that fails halfway closes what it had opened. A step that fails is
 * logged, and one that waits for a database that does not answer is left behind, so that closing always ends.
 */
export class CleanupStack {
  readonly #log: Logger
  readonly #stack = new AsyncDisposableStack()

  constructor(log: Logger) {
    this.#log = log
  }

  /** Adds a step that is given 2 seconds. */
  add(close: () => Promise<void>): void {
    this.addUnlimited(async () => {
      if (!(await within(stepMs, close()))) this.#log.warn('something did not close in time; continuing without it')
    })
  }

  /** Adds a step that is known to end by itself, however long that takes. */
  addUnlimited(close: () => Promise<void>): void {
    this.#stack.defer(async () => {
      try {
        await close()
      } catch (error) {
        this.#log.error({ err: error }, 'something did not close as it should')
      }
    })
  }

  /** Closes everything. */
  run(): Promise<void> {
    return this.#stack.disposeAsync()
  }
}
