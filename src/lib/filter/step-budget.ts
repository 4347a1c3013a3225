/** Evaluating the filter takes more than it may. */
export class FilterTooCostly extends Error {}

/**
 * Counts what the evaluation of filters takes, in steps of at most about 30 ns. A piece of work is counted before it is
 * done, and by its size alone: what is refused has cost nothing, and is refused on every machine alike.
 */
export class StepBudget {
  #left: number

  constructor(steps: number) {
    this.#left = steps
  }

  get left(): number {
    return this.#left
  }

  /** @throws {FilterTooCostly} when fewer steps are left. */
  spend(steps: number): void {
    if (steps > this.#left) throw new FilterTooCostly()
    this.#left -= steps
  }
}
