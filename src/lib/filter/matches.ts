import type { Comparison, Condition, Field, Filter, Test } from './filter.ts'
import { includesText } from './find-text.ts'
import { valueAt } from './json-path.ts'
import { compareText, jsonEquals, jsonTypeOf } from './json-value.ts'
import { searchedCharacters } from './linear-pattern.ts'
import { StepBudget } from './step-budget.ts'

/** What a filter can ask about; what isn't known has no value. */
export type Facts = { readonly data: unknown } & {
  readonly [Name in Field]?: (Name extends 'version' ? number : Name extends `${string}At` ? Date : string) | undefined
}

/**
 * Whether the facts are what the filter means; as {@link Filter} says, and as the database would decide.
 * @throws {FilterTooCostly} when that takes more than the budget.
 */
export function matches(filter: Filter, facts: Facts, budget = new StepBudget(Number.POSITIVE_INFINITY)): boolean {
  budget.spend(1)
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((one) => matches(one, facts, budget))
    case 'or':
      return filter.filters.some((one) => matches(one, facts, budget))
    case 'not':
      return !matches(filter.filter, facts, budget)
    case 'condition':
      return holds(filter, facts, budget)
  }
}

function holds({ subject, test }: Condition, facts: Facts, budget: StepBudget): boolean {
  const value = 'path' in subject ? valueAt(facts.data, subject.path) : facts[subject.field]
  return value !== undefined && passes(test, value, budget)
}

/** What can be looked through in the time of one step. */
const charactersInStep = 8
const elementsInStep = 4

function passes(test: Test, value: unknown, budget: StepBudget): boolean {
  switch (test.op) {
    case 'in':
      budget.spend(test.values.length)
      return test.values.some((one) => jsonEquals(one, value, budget))
    case 'exists':
      return true
    case 'type':
      return jsonTypeOf(value) === test.type
    case 'contains':
      if (typeof value !== 'string') return false
      budget.spend(Math.ceil(value.length / charactersInStep))
      return includesText(value, test.text)
    case 'startsWith':
      return typeof value === 'string' && value.startsWith(test.text)
    case 'matches':
      if (typeof value !== 'string') return false
      budget.spend(test.pattern.size * Math.min(value.length, searchedCharacters))
      return test.pattern.isFoundIn(value)
    case 'arrayContains':
      if (!Array.isArray(value)) return false
      budget.spend(Math.ceil(value.length / elementsInStep))
      return value.some((one) => jsonEquals(one, test.value, budget))
    default: {
      const order = compare(value, test.value)
      return order !== undefined && isAsAsked[test.op](order)
    }
  }
}

const isAsAsked: Readonly<Record<Comparison, (order: number) => boolean>> = {
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
}

/** Negative, zero or positive; undefined for what is in no order. */
function compare(value: unknown, other: number | string | Date): number | undefined {
  if (typeof value === 'number' && typeof other === 'number') return Math.sign(value - other)
  if (typeof value === 'string' && typeof other === 'string') return compareText(value, other)
  if (value instanceof Date && other instanceof Date) return Math.sign(value.getTime() - other.getTime())
  return undefined
}
