/**
 * Shares the event loop between work in many small pieces and everything else: limits how many steps of it run in one turn
 * of the loop. The rest waits for later turns, in order of arrival.
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
