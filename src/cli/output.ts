import { styleText } from 'node:util'
import { columnsOf, pad, shorten } from './text.ts'

export type Style = Parameters<typeof styleText>[0]

/** Where a command's words go. */
export interface OutputStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): boolean
}

export interface Column<Row> {
  readonly title: string
  text(row: Row): string
  readonly style?: (row: Row) => Style
  /** Is cut first where the terminal is too narrow; others keep their width. */
  readonly flexible?: boolean
  /** Is left out where the terminal is too narrow for the whole table. */
  readonly optional?: boolean
}

const narrowestColumn = 6
const gap = '  '

/** What a command says: answers on standard output, remarks on standard error. */
export class Output {
  readonly stdout: OutputStream
  readonly #stderr: OutputStream
  readonly #env: Readonly<Record<string, string | undefined>>

  constructor(options: {
    stdout: OutputStream
    stderr: OutputStream
    env: Readonly<Record<string, string | undefined>>
  }) {
    this.stdout = options.stdout
    this.#stderr = options.stderr
    this.#env = options.env
  }

  /** Whether a person looks at the answers, on a screen that can be drawn on. */
  get isTerminal(): boolean {
    return this.stdout.isTTY === true && this.#env['TERM'] !== 'dumb'
  }

  /** How wide the terminal is; endless where there is none. */
  get columns(): number {
    return this.isTerminal ? (this.stdout.columns ?? 80) : Number.POSITIVE_INFINITY
  }

  line(text = ''): void {
    this.stdout.write(`${text}\n`)
  }

  /** A remark beside the answer, on standard error. */
  remark(text: string): void {
    this.#stderr.write(`${text}\n`)
  }

  /** One JSON document, indented. */
  document(value: unknown): void {
    this.line(JSON.stringify(value, undefined, 2))
  }

  /** One line of a stream of JSON documents. */
  record(value: unknown): void {
    this.line(JSON.stringify(value))
  }

  /** Coloured on a terminal whose user wants colours (no-color.org). */
  styled(style: Style, text: string): string {
    const isColored = this.isTerminal && !this.#env['NO_COLOR']
    return isColored ? styleText(style, text, { validateStream: false }) : text
  }

  /**
   * Rows under their titles, as wide as they need and the terminal allows; columns without content are left out, and what
   * is left out for lack of space is said. A text of several lines makes a row of as many.
   */
  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
    const filled = columns.filter((column) => rows.some((row) => column.text(row) !== ''))
    const shown = this.#fitting(rows, filled)
    const widths = this.#widths(rows, shown)
    const line = (cells: readonly string[]) => this.line(cells.join(gap).trimEnd())
    const cell = (text: string, index: number) => pad(shorten(text, widths[index] ?? 0), widths[index] ?? 0)
    line(shown.map(({ title }, index) => this.styled('dim', cell(title, index))))
    for (const row of rows) {
      const cells = shown.map((column) => column.text(row).split('\n'))
      for (let at = 0; at < Math.max(...cells.map(({ length }) => length)); at += 1)
        line(shown.map((column, index) => this.#painted(row, column, cell(cells[index]?.[at] ?? '', index))))
    }
    const missing = filled.filter((column) => !shown.includes(column)).map(({ title }) => title)
    if (missing.length > 0) this.remark(`Left out for lack of space: ${missing.join(', ')}. --json shows everything.`)
  }

  /** The columns that fit: optional ones go first, then those that can't be cut, each from the right. */
  #fitting<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): Column<Row>[] {
    const kept = [...columns]
    const drop = (index: number) => index > 0 && kept.splice(index, 1).length > 0
    while (this.#excess(rows, kept) > 0 && drop(kept.findLastIndex(({ optional }) => optional === true)));
    const tooWide = () => sumOf(this.#widths(rows, kept)) > this.columns
    while (tooWide() && (drop(kept.findLastIndex(({ flexible }) => flexible !== true)) || drop(kept.length - 1)));
    return kept
  }

  /** Names and values, one a line; those without a value are left out. */
  properties(entries: readonly (readonly [name: string, value: string | undefined])[]): void {
    const given = entries.filter(([, value]) => value !== undefined && value !== '')
    const width = Math.max(...given.map(([name]) => columnsOf(name)))
    for (const [name, value] of given) {
      const [first = '', ...more] = (value ?? '').split('\n')
      this.line(`${this.styled('dim', pad(name, width))}${gap}${first}`)
      for (const text of more) this.line(`${' '.repeat(width)}${gap}${text}`)
    }
  }

  /** A JSON value for a reader: coloured and folded on a terminal, plain indented JSON elsewhere. */
  value(value: unknown): string {
    if (!this.isTerminal) return JSON.stringify(value, undefined, 2)
    const text = fold(value, this.columns)
    return this.#env['NO_COLOR'] ? text : paint(text)
  }

  #painted<Row>(row: Row, { style }: Column<Row>, text: string): string {
    return style === undefined ? text : this.styled(style(row), text)
  }

  #widths<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): number[] {
    const widths = columns.map((column) => naturalWidth(rows, column))
    for (let excess = this.#excess(rows, columns); excess > 0; excess -= 1) {
      const flexible = widths.map((width, index) => (columns[index]?.flexible === true ? width : 0))
      const widest = flexible.indexOf(Math.max(...flexible))
      if ((flexible[widest] ?? 0) <= narrowestColumn) break
      widths[widest] = (widths[widest] ?? 0) - 1
    }
    return widths
  }

  /** By how much the columns at their natural widths are wider than the terminal. */
  #excess<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): number {
    return sumOf(columns.map((column) => naturalWidth(rows, column))) - this.columns
  }
}

/** How wide columns are side by side. */
function sumOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + gap.length, -gap.length)
}

function naturalWidth<Row>(rows: readonly Row[], { title, text }: Column<Row>): number {
  return Math.max(columnsOf(title), ...rows.flatMap((row) => text(row).split('\n').map(columnsOf)))
}

/** Indented JSON in which whatever has room on a line stands on one. */
function fold(value: unknown, columns: number, indent = ''): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const flat = flatJson(value)
  if (columnsOf(indent + flat) <= columns) return flat
  const deeper = `${indent}  `
  const items = Array.isArray(value)
    ? value.map((item) => fold(item, columns, deeper))
    : Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}: ${fold(inner, columns, deeper)}`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return `${open}\n${deeper}${items.join(`,\n${deeper}`)}\n${indent}${close}`
}

/** JSON on one line, with blanks where a reader wants them. */
function flatJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(flatJson).join(', ')}]`
  const items = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}: ${flatJson(inner)}`)
  return items.length === 0 ? '{}' : `{ ${items.join(', ')} }`
}

const jsonToken = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

function paint(json: string): string {
  return json.replace(jsonToken, (token, text: string | undefined, colon: string | undefined) => {
    if (colon !== undefined) return `${styleText('cyan', text ?? '', { validateStream: false })}${colon}`
    return styleText(text === undefined ? 'yellow' : 'green', token, { validateStream: false })
  })
}
