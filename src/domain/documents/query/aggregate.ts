import { invalidInput } from '#lib/errors.ts'
import { type JsonPath, parseJsonPath } from '#lib/filter/json-path.ts'
import { Parameters } from './parameters.ts'
import { type Selection, selectionSql } from './selection.ts'
import { valueSql } from './value-sql.ts'

const maxGroups = 1_000
const maxPaths = 8

export interface AggregateRequest {
  /** One group for each value at this path; all documents are one group when undefined. */
  readonly groupBy?: string | undefined
  /** Where the numbers are that are added up. */
  readonly paths: readonly string[]
}

/** Numbers at one path, of those documents that have a number there. */
export interface NumberAggregate {
  readonly path: string
  readonly count: number
  /** Null without any. */
  readonly min: number | null
  readonly max: number | null
  readonly sum: number | null
  readonly avg: number | null
}

export interface AggregateGroup {
  /** Text, number or boolean at the path; null for documents that have nothing of these there. */
  readonly value: unknown
  /** How many documents. */
  readonly count: number
  readonly numbers: readonly NumberAggregate[]
}

export interface Aggregates {
  /** Largest first. */
  readonly groups: readonly AggregateGroup[]
  /** Whether there are more groups than were returned. */
  readonly isTruncated: boolean
}

/** The statement that adds up; rows are read by {@link readAggregates}. @throws {InvalidInput} */
export function aggregateSql(selection: Selection, { groupBy, paths }: AggregateRequest) {
  if (paths.length > maxPaths)
    throw invalidInput('The aggregation', [{ path: 'paths', message: `must be at most ${maxPaths}` }])
  const parameters = new Parameters()
  const numbers = paths.map((path, index) => numbersSql(parseJsonPath(path, `paths.${index}`), index, parameters))
  const group = groupBy === undefined ? undefined : groupSql(parseJsonPath(groupBy, 'groupBy'), parameters)
  const text = `
    SELECT count(*)::float8 AS count, ${[`${group ?? 'NULL::jsonb'} AS value`, ...numbers].join(', ')}
    ${selectionSql(selection, parameters)}
    ${group === undefined ? '' : 'GROUP BY value ORDER BY count DESC, value'} LIMIT ${parameters.add(maxGroups + 1, 'integer')}`
  return { text, values: parameters.values }
}

function groupSql(path: JsonPath, parameters: Parameters): string {
  const value = valueSql(path, parameters)
  return `coalesce(to_jsonb(${value.of('STRING')}), to_jsonb(${value.of('NUMBER')}), to_jsonb(${value.of('BOOLEAN')}))`
}

function numbersSql(path: JsonPath, index: number, parameters: Parameters): string {
  const number = valueSql(path, parameters).of('NUMBER')
  return `json_build_object('count', count(${number}), 'min', min(${number}), 'max', max(${number}), 'sum', sum(${number}),
    'avg', avg(${number})) AS numbers${index}`
}

interface Row {
  readonly count: number
  readonly value: unknown
  readonly [numbers: `numbers${number}`]: Omit<NumberAggregate, 'path'>
}

export function readAggregates(rows: readonly Row[], { paths }: AggregateRequest): Aggregates {
  const groups = rows.slice(0, maxGroups).map((row) => ({
    value: row.value,
    count: row.count,
    numbers: paths.map((path, index) => ({ ...(row[`numbers${index}`] as NumberAggregate), path })),
  }))
  return { groups, isTruncated: rows.length > maxGroups }
}
