/**
 * Runs the work of many parties, with limited concurrency. Parties take turns: one that submits a lot waits for its own
 * work and doesn't delay the others.
 */
export class FairQueue {
  readonly #concurrency: number
  /** Whose turn is next comes first; none is empty. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #running = 0

  constructor(concurrency: number) {
    this.#concurrency = concurrency
  }

  /** Does the work when its party has its turn; what it throws is thrown on. */
  async run<Result>(party: string, work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#concurrency) await this.#turnOf(party)
    else this.#running += 1
    try {
      return await work()
    } finally {
      this.#passOn()
    }
  }

  #turnOf(party: string): Promise<void> {
    return new Promise((resolve) => {
      const own = this.#waiting.get(party)
      if (own === undefined) this.#waiting.set(party, [resolve])
      else own.push(resolve)
    })
  }

  /** The place that became free goes to the next party, which goes to the end if it has more. */
  #passOn(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#running -= 1
      return
    }
    const [party, [begin, ...others]] = next
    this.#waiting.delete(party)
    if (others.length > 0) this.#waiting.set(party, others)
    begin?.()
  }
}
