import { type InvalidInput, invalidInput } from '#lib/errors.ts'
import { type JsonPath, parseJsonPath } from '#lib/filter/json-path.ts'
import type { Parameters } from './parameters.ts'
import { type ValueType, valueSql } from './value-sql.ts'

const orderFields = ['key', 'collection', 'version', 'createdAt', 'updatedAt'] as const
export type OrderField = (typeof orderFields)[number]
type Direction = 'ASC' | 'DESC'

/** What documents are sorted by: a field, or what is at a path when it is of a type. */
export interface DocumentOrder {
  readonly path?: string | null | undefined
  readonly type?: ValueType | null | undefined
  readonly field?: OrderField | null | undefined
  readonly direction: Direction
}

/** What a page is sorted by, as SQL on the documents `d`; all together tell every two documents apart. */
export interface SortColumn {
  readonly sql: string
  readonly direction: Direction
  readonly type: 'text' | 'numeric' | 'boolean' | 'integer' | 'timestamptz'
  /** Null where there is nothing of the type; such documents come last, whatever the direction. */
  readonly isNullable: boolean
  /** The document's own field that it is; undefined for what is at a path. */
  readonly field?: OrderField
}

const maxOrders = 4

const fieldColumns: Readonly<Record<OrderField, Pick<SortColumn, 'sql' | 'type'>>> = {
  key: { sql: 'd.key', type: 'text' },
  collection: { sql: 'd.collection', type: 'text' },
  version: { sql: 'd.version', type: 'integer' },
  createdAt: { sql: 'd.created_at', type: 'timestamptz' },
  updatedAt: { sql: 'd.updated_at', type: 'timestamptz' },
}
const valueColumns: Readonly<Record<ValueType, SortColumn['type']>> = {
  STRING: 'text',
  NUMBER: 'numeric',
  BOOLEAN: 'boolean',
}

/**
 * The columns of an order; collection and key follow what is asked for, in the direction of the first one. Within one
 * collection its path is left out, so that indexes of keys serve the order. @throws {InvalidInput}
 */
export function sortColumns(
  orders: readonly DocumentOrder[],
  isWithinOne: boolean,
  parameters: Parameters,
): SortColumn[] {
  if (orders.length > maxOrders) throw refusal('orderBy', `must be at most ${maxOrders}`)
  const asked = orders.map((order, index) => columnOf(order, `orderBy.${index}`, parameters))
  const direction = orders[0]?.direction ?? 'ASC'
  const last = (['collection', 'key'] as const).map((field) => ({
    ...fieldColumns[field],
    field,
    direction,
    isNullable: false,
  }))
  const known = new Set(isWithinOne ? [fieldColumns.collection.sql] : [])
  return [...asked, ...last].filter(({ sql }) => !known.has(sql) && known.add(sql))
}

function columnOf({ path, type, field, direction }: DocumentOrder, at: string, parameters: Parameters): SortColumn {
  if ((path == null) === (field == null)) throw refusal(at, 'must have either a path or a field')
  if (field != null) {
    if (type != null) throw refusal(`${at}.type`, 'is known of a field')
    return { ...fieldColumns[field], field, direction, isNullable: false }
  }
  const valueType = type ?? 'STRING'
  const sql = valueSql(orderPath(path, at), parameters).of(valueType)
  return { sql, direction, type: valueColumns[valueType], isNullable: true }
}

function orderPath(path: string | null | undefined, at: string): JsonPath {
  return parseJsonPath(path ?? '', `${at}.path`)
}

function refusal(path: string, message: string): InvalidInput {
  return invalidInput('The order', [{ path, message }])
}

/** One value of each column, as they come from the database: times as texts, null where there is nothing. */
export type Place = readonly (string | number | boolean | null)[]

/** `ORDER BY` of these columns. */
export function orderSql(columns: readonly SortColumn[]): string {
  return columns.map(({ sql, direction, isNullable }) => `${sql} ${direction}${nulls(isNullable)}`).join(', ')
}

function nulls(isNullable: boolean): string {
  return isNullable ? ' NULLS LAST' : ''
}

/** What comes behind a place. Where it can be, it is one comparison, which an index of these columns serves. */
export function behindSql(columns: readonly SortColumn[], place: Place, parameters: Parameters): string {
  // A parameter that the statement doesn't mention would have no type.
  const bound = columns.map((column, index) =>
    place[index] === null ? 'NULL' : parameters.add(place[index], column.type),
  )
  const [first] = columns
  const isOneWay = columns.every(({ direction, isNullable }) => !isNullable && direction === first?.direction)
  if (isOneWay) {
    const operator = first?.direction === 'DESC' ? '<' : '>'
    return `(${columns.map(({ sql }) => sql).join(', ')}) ${operator} (${bound.join(', ')})`
  }
  return behindFrom(0)

  function behindFrom(index: number): string {
    const column = columns[index]
    if (column === undefined) return 'FALSE'
    const { sql, direction, isNullable } = column
    if (place[index] === null) return `(${sql} IS NULL AND ${behindFrom(index + 1)})`
    const further = `${sql} ${direction === 'DESC' ? '<' : '>'} ${bound[index]}`
    const all = isNullable ? `(${further} OR ${sql} IS NULL)` : further
    return `(${all} OR (${sql} = ${bound[index]} AND ${behindFrom(index + 1)}))`
  }
}
