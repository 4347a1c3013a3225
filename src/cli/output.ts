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

  /** Rows under their titles, as wide as they need and the terminal allows. */
  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
    const cells = rows.map((row) => columns.map((column) => column.text(row)))
    const widths = this.#widths(columns, cells)
    const print = (texts: readonly string[], style: (index: number) => Style | undefined) => {
      const parts = texts.map((text, index) => {
        const shown = pad(shorten(text, widths[index] ?? 0), index === texts.length - 1 ? 0 : (widths[index] ?? 0))
        const chosen = style(index)
        return chosen === undefined ? shown : this.styled(chosen, shown)
      })
      this.line(parts.join(gap).trimEnd())
    }
    print(
      columns.map((column) => column.title),
      () => 'dim',
    )
    for (const [at, row] of rows.entries()) print(cells[at] ?? [], (index) => columns[index]?.style?.(row))
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

  /** A JSON value for a reader: coloured on a terminal, plain JSON elsewhere. */
  value(value: unknown): string {
    if (!this.isTerminal || this.#env['NO_COLOR']) return JSON.stringify(value, undefined, 2)
    return paint(JSON.stringify(value, undefined, 2))
  }

  #widths<Row>(columns: readonly Column<Row>[], cells: readonly (readonly string[])[]): number[] {
    const widths = columns.map(({ title }, index) =>
      Math.max(columnsOf(title), ...cells.map((row) => columnsOf(row[index] ?? ''))),
    )
    let excess = widths.reduce((sum, width) => sum + width + gap.length, -gap.length) - this.columns
    for (const [index, column] of [...columns.entries()].reverse()) {
      if (excess <= 0 || column.flexible !== true) continue
      const width = widths[index] ?? 0
      const cut = Math.min(excess, Math.max(0, width - narrowestColumn))
      widths[index] = width - cut
      excess -= cut
    }
    return widths
  }
}

const jsonToken = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

function paint(json: string): string {
  return json.replace(jsonToken, (token, text: string | undefined, colon: string | undefined) => {
    if (colon !== undefined) return `${styleText('cyan', text ?? '', { validateStream: false })}${colon}`
    return styleText(text === undefined ? 'yellow' : 'green', token, { validateStream: false })
  })
}
