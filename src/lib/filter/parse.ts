import { type InvalidInput, invalidInput } from '#lib/errors.ts'
import { inexactNumber } from '#lib/exact-json.ts'
import { isRecord, isStorable } from '#lib/json.ts'
import { isNestedBeyond, tooDeep } from '#lib/json-depth.ts'
import { faultPath } from '#lib/json-rule.ts'
import { isWithinYears, parseMoment } from '#lib/moment.ts'
import {
  type Comparison,
  type Condition,
  type FieldType,
  type Filter,
  fields,
  filterLimits,
  type Subject,
  type Test,
} from './filter.ts'
import { parseJsonPath } from './json-path.ts'
import { jsonTypes } from './json-value.ts'
import { LinearPattern, PatternFault } from './linear-pattern.ts'

/**
 * Reads a filter as clients write it: an object of `and`, `or` (lists of filters), `not` (a filter), conditions on the value
 * at `path` (a text, see {@link parseJsonPath}), and conditions on fields by their names, such as
 * `{ path: 'spec.replicas', gte: 2, key: { startsWith: 'eu-' } }`. Null is the same as absent, save for `eq`, `ne` and `arrayContains`.
 * @throws {InvalidInput} which names the place, below `at`.
 */
export function parseFilter(raw: unknown, at = 'where'): Filter {
  mustBeExact(raw, at)
  return new Reader(parseMoment).filter(raw, at, 1)
}

/** As {@link parseFilter}, for a filter that was accepted before numbers had to be exact and days to exist. */
export function readFilter(raw: unknown, at: string): Filter {
  return new Reader((text) => new Date(text)).filter(raw, at, 1)
}

/** Refuses numbers that are not those that were written. @throws {InvalidInput} */
export function mustBeExact(raw: unknown, at: string): void {
  const fault = inexactNumber(raw)
  if (fault !== undefined) throw refusal(faultPath(at, fault), fault.message)
}

const pathOperators: readonly string[] = [
  ...['eq', 'ne', 'in', 'notIn', 'gt', 'gte', 'lt', 'lte', 'exists', 'type'],
  ...['contains', 'startsWith', 'matches', 'arrayContains'],
]
const fieldOperators: Readonly<Record<FieldType, readonly string[]>> = {
  text: ['eq', 'ne', 'in', 'notIn', 'gt', 'gte', 'lt', 'lte', 'contains', 'startsWith', 'matches'],
  number: ['eq', 'ne', 'in', 'notIn', 'gt', 'gte', 'lt', 'lte'],
  time: ['gt', 'gte', 'lt', 'lte'],
  id: ['eq', 'ne', 'in', 'notIn'],
}

type TimeReader = (text: string) => Date | undefined

/** Reads one filter, and counts what is in it. */
class Reader {
  #filters = 0
  #conditions = 0
  #patterns = 0
  readonly #timeOf: TimeReader

  constructor(timeOf: TimeReader) {
    this.#timeOf = timeOf
  }

  filter(raw: unknown, at: string, depth: number): Filter {
    if (!isRecord(raw)) throw refusal(at, 'must be an object')
    if (depth > filterLimits.depth) throw refusal(at, `is more than ${filterLimits.depth} deep`)
    this.#filters += 1
    if (this.#filters > filterLimits.filters)
      throw refusal(at, `is one filter too many: at most ${filterLimits.filters} can be put together`)
    const filters: Filter[] = []
    const operators: [string, unknown][] = []
    for (const [name, value] of Object.entries(raw)) {
      if (pathOperators.includes(name)) operators.push([name, value])
      else if (name !== 'path' && value !== null && value !== undefined)
        filters.push(...this.#part(name, value, `${at}.${name}`, depth))
    }
    filters.push(...this.#onPath(raw['path'], operators, at))
    const [only] = filters
    return filters.length === 1 && only !== undefined ? only : { kind: 'and', filters }
  }

  #part(name: string, value: unknown, at: string, depth: number): Filter[] {
    if (name === 'and' || name === 'or') return [{ kind: name, filters: this.#list(value, at, depth) }]
    if (name === 'not') return [{ kind: 'not', filter: this.filter(value, at, depth + 1) }]
    if (Object.hasOwn(fields, name)) return this.#onField(name as keyof typeof fields, value, at)
    throw refusal(at, 'is not part of a filter')
  }

  #list(value: unknown, at: string, depth: number): Filter[] {
    if (!Array.isArray(value)) throw refusal(at, 'must be a list')
    if (value.length > filterLimits.filters) throw refusal(at, `must be at most ${filterLimits.filters} filters`)
    return value.map((one, index) => this.filter(one, `${at}.${index}`, depth + 1))
  }

  #onPath(path: unknown, operators: readonly [string, unknown][], at: string): Filter[] {
    const asked = operators.filter(([name, value]) => isGiven(name, value))
    if (path === null || path === undefined) {
      const [stray] = asked
      if (stray !== undefined) throw refusal(`${at}.${stray[0]}`, 'needs a path')
      return []
    }
    if (typeof path !== 'string') throw refusal(`${at}.path`, 'must be a text')
    if (asked.length === 0) throw refusal(at, 'has a path but no condition')
    const subject = { path: parseJsonPath(path, `${at}.path`) }
    return asked.map(([name, value]) => this.#condition(subject, name, value, `${at}.${name}`))
  }

  #onField(field: keyof typeof fields, value: unknown, at: string): Filter[] {
    if (!isRecord(value)) throw refusal(at, 'must be an object')
    const type = fields[field]
    return Object.entries(value)
      .filter(([, operand]) => operand !== null && operand !== undefined)
      .map(([name, operand]) => {
        const where = `${at}.${name}`
        if (!fieldOperators[type].includes(name)) throw refusal(where, 'is not a condition on this field')
        return this.#condition({ field }, name, fieldOperand(type, operand, where, this.#timeOf), where)
      })
  }

  #condition(subject: Subject, name: string, operand: unknown, at: string): Filter {
    this.#conditions += 1
    if (this.#conditions > filterLimits.conditions)
      throw refusal(at, `is one condition too many: at most ${filterLimits.conditions} can be asked for`)
    if (name === 'matches') this.#patterns += 1
    if (this.#patterns > filterLimits.patterns)
      throw refusal(at, `is one regular expression too many: at most ${filterLimits.patterns} can be asked for`)
    const isNegative = name === 'ne' || name === 'notIn' || (name === 'exists' && operand === false)
    const condition: Condition = { kind: 'condition', subject, test: testOf(name, operand, at) }
    return isNegative ? { kind: 'not', filter: condition } : condition
  }
}

function isGiven(name: string, value: unknown): boolean {
  return value !== undefined && (value !== null || name === 'eq' || name === 'ne' || name === 'arrayContains')
}

function testOf(name: string, operand: unknown, at: string): Test {
  switch (name) {
    case 'eq':
    case 'ne':
      return { op: 'in', values: [json(operand, at)] }
    case 'in':
    case 'notIn':
      return { op: 'in', values: list(operand, at).map((value, index) => json(value, `${at}.${index}`)) }
    case 'exists':
      if (typeof operand !== 'boolean') throw refusal(at, 'must be true or false')
      return { op: 'exists' }
    case 'type': {
      const type = jsonTypes.find((one) => one === operand || one.toUpperCase() === operand)
      if (type === undefined) throw refusal(at, `must be one of ${jsonTypes.join(', ')}`)
      return { op: 'type', type }
    }
    case 'contains':
    case 'startsWith':
      return { op: name, text: text(operand, at) }
    case 'matches':
      return { op: 'matches', pattern: pattern(text(operand, at), at) }
    case 'arrayContains':
      return { op: 'arrayContains', value: json(operand, at) }
    default:
      return { op: name as Comparison, value: ordered(operand, at) }
  }
}

/** An operand of a field's condition in the field's own type; a list of them for `in`. */
function fieldOperand(type: FieldType, operand: unknown, at: string, timeOf: TimeReader): unknown {
  if (Array.isArray(operand)) return operand.map((one, index) => fieldOperand(type, one, `${at}.${index}`, timeOf))
  if (type === 'time') return time(operand, at, timeOf)
  if (type === 'number' ? typeof operand !== 'number' : typeof operand !== 'string')
    throw refusal(at, `must be a ${type === 'number' ? 'number' : 'text'}`)
  return operand
}

function time(operand: unknown, at: string, timeOf: TimeReader): Date {
  const date = typeof operand === 'string' ? timeOf(operand) : operand
  if (!(date instanceof Date && isWithinYears(date))) throw refusal(at, 'must be a time, such as 2026-11-28T10:00:00Z')
  return date
}

function ordered(operand: unknown, at: string): number | string | Date {
  if (operand instanceof Date) return operand
  if (typeof operand !== 'number' && typeof operand !== 'string') throw refusal(at, 'must be a number or a text')
  json(operand, at)
  return operand
}

function list(operand: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(operand)) throw refusal(at, 'must be a list')
  if (operand.length > filterLimits.values) throw refusal(at, `must be at most ${filterLimits.values} values`)
  return operand
}

function text(operand: unknown, at: string): string {
  if (typeof operand !== 'string') throw refusal(at, 'must be a text')
  json(operand, at)
  return operand
}

/** A value that a document could hold. */
function json(operand: unknown, at: string): unknown {
  if (typeof operand === 'string' && operand.length > filterLimits.text)
    throw refusal(at, `must have at most ${filterLimits.text} characters`)
  if (isNestedBeyond(operand)) throw refusal(at, tooDeep())
  if (typeof operand === 'object' && operand !== null && JSON.stringify(operand).length > filterLimits.json)
    throw refusal(at, `must have at most ${filterLimits.json} characters as JSON`)
  if (!isStorable(operand)) throw refusal(at, 'has a character that no document can hold')
  return operand
}

function pattern(source: string, at: string): LinearPattern {
  try {
    return new LinearPattern(source)
  } catch (error) {
    if (error instanceof PatternFault) throw refusal(at, error.message)
    throw error
  }
}

function refusal(at: string, message: string): InvalidInput {
  return invalidInput('The filter', [{ path: at, message }])
}
