import { TooManyOpen } from './errors.ts'

/** How much each key may have open at once in this process, such as streams. */
export class Presence {
  readonly #what: string
  readonly #limit: number
  readonly #open = new Map<string, number>()

  /** No limit when 0. */
  constructor(what: string, limit: number) {
    this.#what = what
    this.#limit = limit
  }

  /** Counts one more; returns what to call, once or more often, when it is over. @throws {TooManyOpen} */
  enter(key: string): () => void {
    const open = this.#open.get(key) ?? 0
    if (this.#limit > 0 && open >= this.#limit) throw new TooManyOpen(this.#what, this.#limit)
    this.#open.set(key, open + 1)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      const left = (this.#open.get(key) ?? 1) - 1
      if (left > 0) this.#open.set(key, left)
      else this.#open.delete(key)
    }
  }
}
