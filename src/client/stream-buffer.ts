/** Hands values from a source that can't wait to one reader that may be slow, and holds a bounded number of them. */
export class StreamBuffer<T> {
  readonly #capacity: number
  #values: T[] = []
  #end: { readonly error?: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Adds a value; false when there is no room, or when it has ended. */
  put(value: T): boolean {
    if (this.#end !== undefined || this.#values.length >= this.#capacity) return false
    this.#values.push(value)
    this.#wake?.()
    return true
  }

  /** Ends it, after what it holds; with an error, the reader gets that last. Only the first end counts. */
  end(end: { readonly error?: unknown } = {}): void {
    this.#end ??= end
    this.#wake?.()
  }

  /** Ends it now: the reader gets the error next. */
  abort(error: unknown): void {
    this.#values = []
    this.#end = { error }
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    for (;;) {
      const values = this.#values
      this.#values = []
      yield* values
      if (this.#values.length > 0) continue
      if (this.#end !== undefined) break
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if ('error' in this.#end) throw this.#end.error
  }
}
