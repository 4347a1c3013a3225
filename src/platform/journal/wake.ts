import type { DatabaseSession } from '#platform/database/session.ts'
import type { JournalTail } from './tail.ts'

export const journalChannel = 'signalbox_journal'

/** At most one notification in this time: each takes a lock of the whole database server at its commit. */
const notifyIntervalMs = 10

/** Tells this process's tail at once, and those of other processes soon, that the journal has grown. */
export class JournalWake {
  readonly #session: DatabaseSession
  readonly #tail: JournalTail
  /** Marks our own notifications, which we don't need to hear. */
  readonly #origin: string
  #timer: NodeJS.Timeout | undefined

  constructor(options: { session: DatabaseSession; tail: JournalTail; origin: string }) {
    this.#session = options.session
    this.#tail = options.tail
    this.#origin = options.origin
  }

  /** Something was committed here. */
  committed(): void {
    this.#tail.hint()
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#session.notify(journalChannel, this.#origin)
    }, notifyIntervalMs)
  }

  /** Somebody has notified. */
  heard(origin: string): void {
    if (origin !== this.#origin) this.#tail.hint()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
