import type { Sink } from './resource.ts'

/** Between two fetches for changes that come in quick succession, in milliseconds. */
const pauseMs = 400
/** How long after a connection what was missed while it came about has arrived, in milliseconds. */
const settledMs = 1_000

/** Fetches again after changes: at most so often, one at a time, and not while the page is hidden. */
export class Refetch {
  readonly #fetch: () => Promise<void>
  readonly #sink: Sink<unknown>
  #running: Promise<void> | undefined
  #isWanted = false
  #isWaiting = false

  constructor(sink: Sink<unknown>, fetch: () => Promise<void>) {
    this.#fetch = fetch
    this.#sink = sink
    sink.onRefresh(() => this.now())
    const { signal } = sink
    const whenShown = () => {
      if (!isHidden() && this.#isWanted) void this.now()
    }
    if (typeof document === 'undefined') return
    const page = document
    page.addEventListener('visibilitychange', whenShown)
    signal.addEventListener('abort', () => page.removeEventListener('visibilitychange', whenShown))
  }

  /** Something has changed. */
  soon(): void {
    this.#isWanted = true
    if (this.#isWaiting || isHidden()) return
    this.#isWaiting = true
    this.#after(pauseMs, () => {
      this.#isWaiting = false
      if (this.#isWanted && !isHidden()) void this.now()
    })
  }

  /** The stream of changes is open: what it may have missed is fetched. */
  connected(): void {
    this.#after(settledMs, () => this.soon())
  }

  /** Fetches at once, or again after the fetch that is under way, which may have been too early. */
  async now(): Promise<void> {
    await this.#running
    this.#isWanted = false
    this.#running = this.#fetch().catch((error: unknown) => {
      if (!this.#sink.signal.aborted) this.#sink.fail(error)
    })
    await this.#running
    this.#running = undefined
  }

  #after(ms: number, work: () => void): void {
    const { signal } = this.#sink
    if (signal.aborted) return
    const stop = () => clearTimeout(timer)
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      work()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  }
}

function isHidden(): boolean {
  return typeof document !== 'undefined' && document.hidden
}
