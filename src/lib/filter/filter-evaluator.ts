import { LRUCache } from 'lru-cache'
import { Pacer } from '#lib/pacer.ts'
import type { LiveFilter } from './live-filter.ts'
import { type Facts, matches } from './matches.ts'
import { FilterTooCostly, StepBudget } from './step-budget.ts'

/** What may be spent on filters, in steps ({@link StepBudget}): a million take about 30 ms at most. */
export const filterBudget = {
  /** One filter, asked about one document or event. */
  evaluation: 1_000_000,
  /** All filters that are asked about one document or event; each may always take `least`. */
  event: 10_000_000,
  least: 30_000,
  /** In one turn of the event loop, before others have theirs. */
  turn: 300_000,
} as const

/** Documents and events whose results are remembered for those who ask next: more than one request can write. */
const maxRounds = 600

/**
 * Evaluates filters of subscribers and webhooks: each one once for a document or event, however many ask; within a budget
 * of steps for each evaluation and for all of one event; and with pauses in which everything else has its turn.
 */
export class FilterEvaluator {
  readonly #pacer = new Pacer(filterBudget.turn)
  readonly #rounds = new LRUCache<object, FilterRound>({ max: maxRounds })

  /**
   * Whether the facts are what the filter means. `event` is the object for which filters share a budget, such as a version
   * of a document. @throws {FilterTooCostly} when the filter takes more than it may
   */
  async holds(live: LiveFilter, event: object, facts: Facts): Promise<boolean> {
    const round = this.#roundOf(event)
    while (this.#pacer.isSpent && !round.knows(live, facts)) await this.#pacer.nextTurn()
    if (!round.knows(live, facts)) this.#pacer.spend(round.evaluate(live, facts))
    return round.result(live)
  }

  /** Counts other work that is done for each change and each subscriber; waits for a later turn when this one is spent. */
  async pace(steps: number): Promise<void> {
    while (this.#pacer.isSpent) await this.#pacer.nextTurn()
    this.#pacer.spend(steps)
  }

  #roundOf(event: object): FilterRound {
    const known = this.#rounds.get(event)
    if (known !== undefined) return known
    const round = new FilterRound()
    this.#rounds.set(event, round)
    return round
  }
}

interface Result {
  /** What was looked at: one webhook can be shown other data of an event than the next. */
  readonly data: unknown
  readonly outcome: boolean | FilterTooCostly
}

/** All that is asked about one document or event. */
class FilterRound {
  readonly #results = new Map<LiveFilter, Result>()
  #left: number = filterBudget.event

  knows(live: LiveFilter, { data }: Facts): boolean {
    const known = this.#results.get(live)
    return known !== undefined && known.data === data
  }

  /** Returns how many steps it took. */
  evaluate(live: LiveFilter, facts: Facts): number {
    const steps = Math.min(filterBudget.evaluation, Math.max(filterBudget.least, this.#left))
    const budget = new StepBudget(steps)
    this.#results.set(live, { data: facts.data, outcome: outcomeOf(live, facts, budget) })
    const spent = steps - budget.left
    this.#left -= spent
    return spent
  }

  /** @throws {FilterTooCostly} */
  result(live: LiveFilter): boolean {
    const outcome = this.#results.get(live)?.outcome ?? false
    if (typeof outcome !== 'boolean') throw outcome
    return outcome
  }
}

function outcomeOf({ filter }: LiveFilter, facts: Facts, budget: StepBudget): boolean | FilterTooCostly {
  try {
    return matches(filter, facts, budget)
  } catch (error) {
    if (error instanceof FilterTooCostly) return error
    throw error
  }
}
