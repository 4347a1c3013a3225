import type { JsonPath } from './json-path.ts'
import type { JsonType } from './json-value.ts'
import type { LinearPattern } from './linear-pattern.ts'

/**
 * Which documents, or events, are meant: one language for lists, which the database evaluates, and for subscriptions
 * and webhooks, which are evaluated in memory. Both mean exactly this:
 *
 * - A condition holds or it doesn't; there is no third outcome. `not` turns the one into the other.
 * - `and` of nothing holds, `or` of nothing doesn't. What stands beside each other in one object has to hold together.
 * - A path that leads nowhere has no value. Then `exists: true` and every comparison fail, and `ne`, `notIn` and
 *   `exists: false` hold. JSON's null is a value, of the type `null`.
 * - Values are equal when they are the same JSON: of the same type, numbers by their value (1, 1.0 and 1e0 are equal, and
 *   so are 0 and -0), arrays element by element, objects member by member in any order.
 * - `gt`, `gte`, `lt` and `lte` compare numbers with numbers, and texts with texts by code points, whatever the language.
 *   Values of other or different types are in no order: the condition fails. Numbers are double-precision ones.
 * - `contains`, `startsWith` and `matches` fail for what is not text. `contains` looks for a piece of text, exactly.
 * - `matches` looks for a {@link LinearPattern} anywhere in the first 4,096 characters.
 * - `arrayContains` holds for an array that has an element equal to the value.
 */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | Condition

/** What is asked of one value. */
export interface Condition {
  readonly kind: 'condition'
  readonly subject: Subject
  readonly test: Test
}

/** Where the value is: in the JSON, or beside it. */
export type Subject = { readonly path: JsonPath } | { readonly field: Field }

/** What is known of a document beside its data. `createdBy` and `updatedBy` are ids of actors. */
export const fields = {
  key: 'text',
  collection: 'text',
  version: 'number',
  createdAt: 'time',
  updatedAt: 'time',
  createdBy: 'id',
  updatedBy: 'id',
} as const satisfies Record<string, FieldType>
export type Field = keyof typeof fields
export type FieldType = 'text' | 'number' | 'time' | 'id'

export type Comparison = 'gt' | 'gte' | 'lt' | 'lte'

export type Test =
  | { readonly op: 'in'; readonly values: readonly unknown[] }
  | { readonly op: Comparison; readonly value: number | string | Date }
  | { readonly op: 'exists' }
  | { readonly op: 'type'; readonly type: JsonType }
  | { readonly op: 'contains' | 'startsWith'; readonly text: string }
  | { readonly op: 'matches'; readonly pattern: LinearPattern }
  | { readonly op: 'arrayContains'; readonly value: unknown }

/** What a filter may ask for at most; more is refused before anything is evaluated. */
export const filterLimits = {
  conditions: 200,
  /** Filters inside of others, whatever they ask for. */
  filters: 500,
  depth: 20,
  /** Values in one `in` or `notIn`. */
  values: 200,
  /** Characters of a text. */
  text: 1_000,
  /** Characters of an array or object, as JSON. */
  json: 4_000,
  /** Regular expressions. */
  patterns: 10,
} as const
