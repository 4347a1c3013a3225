import type { Comparison, Condition, Field, Filter, Test } from '#lib/filter/filter.ts'
import type { JsonPath } from '#lib/filter/json-path.ts'
import { searchedCharacters } from '#lib/filter/linear-pattern.ts'
import type { Parameters } from './parameters.ts'
import { afterAllBeginningWith } from './text-range.ts'
import { indexedCharacters, mayMeetArray, type ValueSql, type ValueType, valueSql } from './value-sql.ts'

/** Whether there is an index on the values of a type at a path. */
export type IsIndexed = (path: JsonPath, type: ValueType) => boolean

/** What a collection declares so that it can be asked quickly. */
export interface DeclaredIndexes {
  of(
    accountId: string,
    collection: string,
  ): Promise<{
    /** Only indexes that are ready count. */
    readonly isIndexed: IsIndexed
    readonly fullTextPaths: readonly JsonPath[]
  }>
}

/**
 * A filter as a condition on the documents `d`, which have the columns of the table. True for those that the filter
 * means, and false or null for the others; values are parameters. Equality is written so that the index on all data
 * serves it, or as a declared index has it where there is one.
 */
export function filterSql(filter: Filter, parameters: Parameters, isIndexed: IsIndexed = () => false): string {
  return compile(filter, false)

  /** Negation goes down to the conditions: only there nulls can be told from false. */
  function compile(one: Filter, isNegated: boolean): string {
    switch (one.kind) {
      case 'not':
        return compile(one.filter, !isNegated)
      case 'condition': {
        const sql = conditionSql(one, parameters, isIndexed)
        return isNegated ? `(${sql}) IS NOT TRUE` : `(${sql})`
      }
      default: {
        const isAnd = (one.kind === 'and') !== isNegated
        if (one.filters.length === 0) return isAnd ? 'TRUE' : 'FALSE'
        return `(${one.filters.map((inner) => compile(inner, isNegated)).join(isAnd ? ' AND ' : ' OR ')})`
      }
    }
  }
}

function conditionSql({ subject, test }: Condition, parameters: Parameters, isIndexed: IsIndexed): string {
  return 'path' in subject
    ? pathSql(subject.path, test, parameters, isIndexed)
    : fieldSql(subject.field, test, parameters)
}

const operators: Readonly<Record<Comparison, string>> = { gt: '>', gte: '>=', lt: '<', lte: '<=' }

function pathSql(path: JsonPath, test: Test, parameters: Parameters, isIndexed: IsIndexed): string {
  if (test.op === 'in') return equalSql(path, test.values, parameters, isIndexed)
  if (test.op === 'arrayContains') return elementSql(path, test.value, parameters)
  const value = valueSql(path, parameters)
  switch (test.op) {
    case 'exists':
      return `${value.json} IS NOT NULL`
    case 'type':
      return `jsonb_typeof(${value.json}) = ${parameters.add(test.type, 'text')}`
    case 'contains':
      return `strpos(${value.text}, ${parameters.add(test.text, 'text')}) > 0`
    case 'startsWith':
      return beginningSql(isShort(test.text) ? value.of('STRING') : value.text, test.text, parameters)
    case 'matches':
      return patternSql(value.text, test.pattern.sql, parameters)
    default:
      return comparisonSql(value, test.op, test.value, parameters)
  }
}

/** Whether the indexed prefix of a text distinguishes it from all others. */
function isShort(text: string): boolean {
  return text.length < indexedCharacters
}

function comparisonSql(value: ValueSql, op: Comparison, operand: number | string | Date, parameters: Parameters) {
  if (typeof operand === 'number') return `${value.of('NUMBER')} ${operators[op]} ${parameters.add(operand, 'numeric')}`
  if (operand instanceof Date) return 'FALSE'
  const text = isShort(operand) ? value.of('STRING') : value.text
  return `${text} ${operators[op]} ${parameters.add(operand, 'text')}`
}

function beginningSql(text: string, beginning: string, parameters: Parameters): string {
  const end = afterAllBeginningWith(beginning)
  const from = `${text} >= ${parameters.add(beginning, 'text')}`
  if (beginning === '') return from
  if (end === undefined) return `${from} AND starts_with(${text}, ${parameters.add(beginning, 'text')})`
  return `${from} AND ${text} < ${parameters.add(end, 'text')}`
}

function patternSql(text: string, pattern: string, parameters: Parameters): string {
  return `(left(${text}, ${searchedCharacters}) COLLATE "C") ~ ${parameters.add(pattern, 'text')}`
}

function equalSql(path: JsonPath, values: readonly unknown[], parameters: Parameters, isIndexed: IsIndexed): string {
  if (values.length === 0) return 'FALSE'
  const alternatives = [...Map.groupBy(values, (value) => serving(path, value, isIndexed))].map(([way, group]) =>
    equalAnyWay(way, path, group, parameters),
  )
  return alternatives.length === 1 ? (alternatives[0] ?? '') : `(${alternatives.join(' OR ')})`
}

/** How documents with this value are found. */
function serving(path: JsonPath, value: unknown, isIndexed: IsIndexed): ValueType | 'CONTAINED' | 'COMPARED' {
  const type = indexableType(value)
  if (type !== undefined && isIndexed(path, type)) return type
  return mayMeetArray(path) ? 'COMPARED' : 'CONTAINED'
}

function indexableType(value: unknown): ValueType | undefined {
  if (typeof value === 'string') return isShort(value) ? 'STRING' : undefined
  if (typeof value === 'number') return 'NUMBER'
  return typeof value === 'boolean' ? 'BOOLEAN' : undefined
}

const arrayTypes = { STRING: 'text[]', NUMBER: 'numeric[]', BOOLEAN: 'boolean[]' } as const

function equalAnyWay(
  way: ValueType | 'CONTAINED' | 'COMPARED',
  path: JsonPath,
  values: readonly unknown[],
  parameters: Parameters,
): string {
  const texts = () => values.map((value) => JSON.stringify(value))
  if (way === 'CONTAINED') {
    const found = containedSql(
      texts().map((text) => inside(path, text)),
      parameters,
    )
    // What contains an array or object may hold more.
    return values.every(isScalar) ? found : `(${found} AND ${compared()})`
  }
  return way === 'COMPARED' ? compared() : `${valueSql(path, parameters).of(way)} ${among(values, arrayTypes[way])}`

  function compared(): string {
    return `${valueSql(path, parameters).json} ${among(texts(), 'jsonb[]')}`
  }

  function among(list: readonly unknown[], type: 'jsonb[]' | (typeof arrayTypes)[ValueType]): string {
    return list.length === 1
      ? `= ${parameters.add(list[0], type.slice(0, -2) as 'jsonb')}`
      : `= ANY(${parameters.add(list, type)})`
  }
}

function containedSql(texts: readonly string[], parameters: Parameters): string {
  return texts.length === 1
    ? `d.data @> ${parameters.add(texts[0], 'jsonb')}`
    : `d.data @> ANY(${parameters.add(texts, 'jsonb[]')})`
}

/** JSON text of nothing but this value at its path. */
function inside(path: JsonPath, json: string): string {
  return path.reduceRight((inner, part) => `{${JSON.stringify(part)}:${inner}}`, json)
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null
}

function elementSql(path: JsonPath, value: unknown, parameters: Parameters): string {
  const text = JSON.stringify(value)
  const json = () => valueSql(path, parameters).json
  const found = mayMeetArray(path)
    ? `jsonb_typeof(${json()}) = 'array' AND ${json()} @> ${parameters.add(`[${text}]`, 'jsonb')}`
    : containedSql([inside(path, `[${text}]`)], parameters)
  if (isScalar(value)) return found
  const elements = `jsonb_array_elements(CASE WHEN jsonb_typeof(${json()}) = 'array' THEN ${json()} ELSE '[]' END)`
  return `${found} AND EXISTS (SELECT FROM ${elements} AS one(element) WHERE element = ${parameters.add(text, 'jsonb')})`
}

const columns: Readonly<Record<Field, string>> = {
  key: 'd.key',
  collection: 'd.collection',
  version: 'd.version',
  createdAt: 'd.created_at',
  updatedAt: 'd.updated_at',
  createdBy: "(d.created_by ->> 'id')",
  updatedBy: "(d.updated_by ->> 'id')",
}

function fieldSql(field: Field, test: Test, parameters: Parameters): string {
  const column = columns[field]
  switch (test.op) {
    case 'in':
      return `${column} = ANY(${parameters.add(test.values, field === 'version' ? 'numeric[]' : 'text[]')})`
    case 'contains':
      return `strpos(${column}, ${parameters.add(test.text, 'text')}) > 0`
    case 'startsWith':
      return beginningSql(column, test.text, parameters)
    case 'matches':
      return patternSql(column, test.pattern.sql, parameters)
    case 'exists':
      return 'TRUE'
    case 'type':
    case 'arrayContains':
      return 'FALSE'
    default:
      return `${column} ${operators[test.op]} ${fieldOperand(test.value, parameters)}`
  }
}

function fieldOperand(value: number | string | Date, parameters: Parameters): string {
  if (value instanceof Date) return parameters.add(value.toISOString(), 'timestamptz')
  return parameters.add(value, typeof value === 'number' ? 'numeric' : 'text')
}
