import type { JsonPath } from '#lib/filter/json-path.ts'
import type { Parameters } from './parameters.ts'

/** Types of values that have an order, and of declared indexes. */
export const valueTypes = ['STRING', 'NUMBER', 'BOOLEAN'] as const
export type ValueType = (typeof valueTypes)[number]

/** How many characters of a text are in an index, and count when documents are sorted by it. */
export const indexedCharacters = 256

const functionOf: Readonly<Record<ValueType, string>> = {
  STRING: 'document_text',
  NUMBER: 'document_number',
  BOOLEAN: 'document_boolean',
}

/** What is at a path of the documents `d`, each expression null where there is nothing of its kind. */
export interface ValueSql {
  /** As jsonb. */
  readonly json: string
  /** As text, in full, when it is text. */
  readonly text: string
  /** As a value of this type, as a declared index holds it. */
  of(type: ValueType): string
}

export function valueSql(path: JsonPath, parameters: Parameters): ValueSql {
  const at = parameters.path(path)
  const json = guarded(`d.data #> ${at}`, path, parameters)
  return {
    json,
    text: `(CASE WHEN jsonb_typeof(${json}) = 'string' THEN d.data #>> ${at} END COLLATE "C")`,
    of(type) {
      const value = guarded(`${functionOf[type]}(d.data, ${at})`, path, parameters)
      return type === 'STRING' ? `(${value} COLLATE "C")` : value
    },
  }
}

/** Whether a part of the path may be the place of an array's element, so that the path can't be written as an object. */
export function mayMeetArray(path: JsonPath): boolean {
  return path.some((part) => numberLike.test(part))
}

/** What PostgreSQL takes for the place of an element. */
const numberLike = /^[ \t\n\v\f\r]*[+-]?\d+$/
const place = /^(0|[1-9]\d*)$/

/** Whether PostgreSQL would find an element where there is none for us: `-1` is only ever an object's member. */
export function isLoose(part: string): boolean {
  return numberLike.test(part) && !place.test(part)
}

function guarded(sql: string, path: JsonPath, parameters: Parameters): string {
  const guards = path.flatMap((part, index) =>
    isLoose(part) ? [`jsonb_typeof(d.data #> ${parameters.path(path.slice(0, index))}) = 'object'`] : [],
  )
  return guards.length === 0 ? `(${sql})` : `(CASE WHEN ${guards.join(' AND ')} THEN ${sql} END)`
}
