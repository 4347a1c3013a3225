import { type AST, RegExpParser } from '@eslint-community/regexpp'
import { RE2JS } from 're2js'
import { type CharacterRange, complementOf, rangesOf } from './character-ranges.ts'
import { firstCharacters } from './json-value.ts'

/** Why a pattern is refused, for its author. */
export class PatternFault extends Error {}

/** How many characters of a text are looked at. */
export const searchedCharacters = 4_096
/** A pattern with its repetitions written out has at most so many characters. */
const largestSize = 500

const parser = new RegExpParser({ ecmaVersion: 2025 })

/**
 * A regular expression in the part of JavaScript's language (with its flags `u` and `s`) that can be searched in time
 * linear in the text and means the same everywhere: characters, `.` for any, classes, `\d \w \s` (of ASCII), groups,
 * `|`, repetitions, `^` and `$` for the text's own ends, `\b`. Neither look-around, nor references back, nor `\p`.
 *
 * It is parsed and written again for each engine from the few things that both have in common: RE2 here, and the
 * automaton of PostgreSQL, which backtracks for references only.
 */
export class LinearPattern {
  readonly source: string
  /** How many characters it has once its repetitions are written out: the time of a search grows with it. */
  readonly size: number
  /** The same for PostgreSQL's `~`, under the collation "C". */
  readonly sql: string
  readonly #compiled: RE2JS

  /** @throws {PatternFault} */
  constructor(source: string) {
    const pattern = parse(source)
    this.size = sizeOf(pattern)
    if (this.size > largestSize) throw new PatternFault('is too large once its repetitions are written out')
    this.source = source
    this.sql = write(pattern, forPostgres)
    this.#compiled = RE2JS.compile(write(pattern, forRe2), RE2JS.DOTALL)
  }

  /** Whether it is found anywhere in the first {@link searchedCharacters} of the text. */
  isFoundIn(text: string): boolean {
    return this.#compiled.matcher(firstCharacters(text, searchedCharacters)).find()
  }
}

function parse(source: string): AST.Pattern {
  try {
    return parser.parsePattern(source, 0, source.length, { unicode: true })
  } catch (error) {
    throw new PatternFault(`is not a regular expression (${error instanceof Error ? error.message : String(error)})`)
  }
}

type Node = AST.Pattern | AST.Alternative | AST.Element

/** How many characters have to be kept apart to search for it. */
function sizeOf(node: Node): number {
  switch (node.type) {
    case 'Pattern':
    case 'Group':
    case 'CapturingGroup':
      return sum(node.alternatives)
    case 'Alternative':
      return sum(node.elements)
    case 'Quantifier':
      return sizeOf(node.element) * Math.max(1, Number.isFinite(node.max) ? node.max : node.min + 1)
    default:
      return 1
  }
}

function sum(nodes: readonly Node[]): number {
  return nodes.reduce((total, node) => total + sizeOf(node), 1)
}

/** What differs between the engines. */
interface Dialect {
  character(code: number): string
  readonly boundary: string
  readonly noBoundary: string
}

/** A character in PostgreSQL's regular expressions, whatever it would mean otherwise. */
export function postgresCharacter(code: number): string {
  return `\\U${code.toString(16).padStart(8, '0')}`
}

const forPostgres: Dialect = {
  character: postgresCharacter,
  boundary: '\\y',
  noBoundary: '\\Y',
}
const forRe2: Dialect = {
  character: (code) => `\\x{${code.toString(16)}}`,
  boundary: '\\b',
  noBoundary: '\\B',
}

function write(node: Node, dialect: Dialect): string {
  switch (node.type) {
    case 'Pattern':
      return node.alternatives.map((one) => write(one, dialect)).join('|')
    case 'Group':
      if (node.modifiers) throw new PatternFault('has modifiers')
      return group(node.alternatives, dialect)
    case 'CapturingGroup':
      return group(node.alternatives, dialect)
    case 'Alternative':
      return node.elements.length === 0 ? '(?:)' : node.elements.map((one) => write(one, dialect)).join('')
    case 'Quantifier':
      return `(?:${write(node.element, dialect)})${repetition(node)}`
    case 'Assertion':
      return assertion(node, dialect)
    case 'Backreference':
      throw new PatternFault('refers back to a group')
    default:
      return characters(
        rangesOf(node, (fault) => new PatternFault(fault)),
        dialect,
      )
  }
}

function group(alternatives: readonly AST.Alternative[], dialect: Dialect): string {
  return `(?:${alternatives.map((one) => write(one, dialect)).join('|')})`
}

function repetition({ min, max }: AST.Quantifier): string {
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`
  return min === 0 && max === 1 ? '?' : `{${min},${max}}`
}

function assertion(node: AST.Assertion, dialect: Dialect): string {
  if (node.kind === 'start') return '^'
  if (node.kind === 'end') return '$'
  if (node.kind === 'word') return node.negate ? dialect.noBoundary : dialect.boundary
  throw new PatternFault('looks around')
}

/** One character out of these; none at all is written as all but all. */
function characters(ranges: readonly CharacterRange[], { character }: Dialect): string {
  const [first] = ranges
  if (ranges.length === 1 && first !== undefined && first.from === first.to) return character(first.from)
  const isNone = ranges.length === 0
  const listed = (isNone ? complementOf([]) : ranges).map(({ from, to }) =>
    from === to ? character(from) : `${character(from)}-${character(to)}`,
  )
  return `[${isNone ? '^' : ''}${listed.join('')}]`
}
