import type { Comparison, Condition, Field, Filter, Test } from './filter.ts'
import { valueAt } from './json-path.ts'
import { compareText, jsonEquals, jsonTypeOf } from './json-value.ts'

/** What a filter can ask about; what isn't known has no value. */
export type Facts = { readonly data: unknown } & {
  readonly [Name in Field]?: (Name extends 'version' ? number : Name extends `${string}At` ? Date : string) | undefined
}

/** Whether the facts are what the filter means; as {@link Filter} says, and as the database would decide. */
export function matches(filter: Filter, facts: Facts): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((one) => matches(one, facts))
    case 'or':
      return filter.filters.some((one) => matches(one, facts))
    case 'not':
      return !matches(filter.filter, facts)
    case 'condition':
      return holds(filter, facts)
  }
}

function holds({ subject, test }: Condition, facts: Facts): boolean {
  const value = 'path' in subject ? valueAt(facts.data, subject.path) : facts[subject.field]
  return value !== undefined && passes(test, value)
}

function passes(test: Test, value: unknown): boolean {
  switch (test.op) {
    case 'in':
      return test.values.some((one) => jsonEquals(one, value))
    case 'exists':
      return true
    case 'type':
      return jsonTypeOf(value) === test.type
    case 'contains':
      return typeof value === 'string' && value.includes(test.text)
    case 'startsWith':
      return typeof value === 'string' && value.startsWith(test.text)
    case 'matches':
      return typeof value === 'string' && test.pattern.isFoundIn(value)
    case 'arrayContains':
      return Array.isArray(value) && value.some((one) => jsonEquals(one, test.value))
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
