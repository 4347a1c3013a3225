import type { Wake } from '#platform/wake/wake.ts'
import type { JournalTail } from './tail.ts'

const channel = 'signalbox_journal'

/** At most one hint in this time: each takes a lock of the whole database server at its commit. */
const sendIntervalMs = 10

/** Has this process's tail look at once, and those of other processes soon, when the journal has grown. */
export class JournalWake {
  readonly #wake: Wake
  readonly #tail: JournalTail
  /** Marks our own hints, which are of no use here. */
  readonly #origin: string
  #timer: NodeJS.Timeout | undefined

  constructor(options: { wake: Wake; tail: JournalTail; origin: string }) {
    this.#wake = options.wake
    this.#tail = options.tail
    this.#origin = options.origin
    this.#wake.listen(channel, (origin) => {
      if (origin !== this.#origin) this.#tail.hint()
    })
  }

  /** Something was committed here. */
  committed(): void {
    this.#tail.hint()
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#wake.send(channel, this.#origin)
    }, sendIntervalMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
