/**
 * Lets work that comes in many small pieces share the event loop with everything else: so many steps of it are done in one
 * turn of the loop, and the rest waits for later turns, in the order in which it asked.
 */
export class Pacer {
  readonly #stepsInTurn: number
  #spent = 0
  #nextTurn: Promise<void> | undefined

  constructor(stepsInTurn: number) {
    this.#stepsInTurn = stepsInTurn
  }

  /** Whether nothing more may be begun in this turn; to be asked again after {@link nextTurn}, when others were first. */
  get isSpent(): boolean {
    return this.#spent >= this.#stepsInTurn
  }

  /** Counts what was done; the last piece of a turn may take more than was left of it. */
  spend(steps: number): void {
    this.#spent += steps
    void this.nextTurn()
  }

  /** Resolves in the next turn, when everything else has had its own. */
  nextTurn(): Promise<void> {
    this.#nextTurn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#nextTurn = undefined
        this.#spent = 0
        resolve()
      })
    })
    return this.#nextTurn
  }
}
