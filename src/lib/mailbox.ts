/** What a reader finds in its mailbox: an item, or word that items were dropped before the next one. */
export type Letter<T> = { readonly item: T } | { readonly skipped: number }

/**
 * A bounded queue for one reader. It never blocks who puts in: when it is full it drops what it holds and tells the
 * reader how many that were. Items put under a key replace the waiting one of the same key and are never counted.
 */
export class Mailbox<T> {
  readonly #capacity: number
  #queue: T[] = []
  readonly #latest = new Map<string, T>()
  #skipped = 0
  #closed = false
  #wake: (() => void) | undefined

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** How many items wait. */
  get size(): number {
    return this.#queue.length + this.#latest.size
  }

  put(item: T): void {
    if (this.#closed) return
    if (this.#queue.length >= this.#capacity) {
      this.#skipped += this.#queue.length
      this.#queue = []
    }
    this.#queue.push(item)
    this.#ring()
  }

  /** Puts an item in the place of an older one of the same key that still waits. Beyond the capacity of keys it is dropped. */
  putLatest(key: string, item: T): void {
    if (this.#closed || (this.#latest.size >= this.#capacity && !this.#latest.has(key))) return
    this.#latest.set(key, item)
    this.#ring()
  }

  /** Ends the reader once it has read what waits. */
  close(): void {
    this.#closed = true
    this.#ring()
  }

  /** The next letter, oldest first, keyed ones last; undefined after {@link close}. One call at a time. */
  async take(): Promise<Letter<T> | undefined> {
    for (;;) {
      const letter = this.#poll()
      if (letter !== undefined || this.#closed) return letter
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #poll(): Letter<T> | undefined {
    if (this.#skipped > 0) {
      const skipped = this.#skipped
      this.#skipped = 0
      return { skipped }
    }
    const item = this.#queue.shift()
    if (item !== undefined) return { item }
    for (const [key, latest] of this.#latest) {
      this.#latest.delete(key)
      return { item: latest }
    }
    return undefined
  }

  #ring(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
