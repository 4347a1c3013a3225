import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

const complaint = /(?:\b(?:PANIC|FATAL|ERROR|error):\s+|(?=\bchild process (?:was|exited)))(.*)$/
/** What clients receive that connect at a bad moment: true, and never why a server ends. */
const rejection = /FATAL:\s+the database system is /
const lineLimit = 40

/** The last lines that a program of PostgreSQL printed, kept to tell why it failed. */
export class PostgresOutput {
  readonly #lines: string[] = []

  /** Takes in what the stream brings, and hands each line on. */
  follow(stream: Readable, onLine: (line: string) => void = () => {}): void {
    createInterface({ input: stream }).on('line', (line) => {
      this.#lines.push(line)
      if (this.#lines.length > lineLimit) this.#lines.shift()
      onLine(line)
    })
  }

  includes(text: string): boolean {
    return this.#lines.some((line) => line.includes(text))
  }

  /** The first complaint: what follows it in a program that runs to its end is a consequence. */
  get firstComplaint(): string {
    return this.#complaintAt(this.#lines.findIndex((line) => complaint.test(line)))
  }

  /** The last complaint: what came before it in a server was survived. */
  get lastComplaint(): string {
    return this.#complaintAt(this.#lines.findLastIndex((line) => complaint.test(line) && !rejection.test(line)))
  }

  /** Without severity and time, with its detail or hint; the last line when nothing was complained about. */
  #complaintAt(index: number): string {
    if (index === -1) return this.#lines.findLast((line) => line.trim() !== '')?.trim() ?? 'it printed nothing'
    const message = complaint.exec(this.#lines[index] ?? '')?.[1] ?? ''
    const detail = /(?:DETAIL|HINT):\s+(.*)$/.exec(this.#lines[index + 1] ?? '')?.[1]
    return detail === undefined ? message : `${message} (${detail.replace(/\.$/, '')})`
  }
}
