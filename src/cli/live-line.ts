import type { OutputStream } from './output.ts'
import { columnsOf } from './text.ts'

/**
 * A line at the bottom of a terminal that is drawn again and again, with ordinary lines above it. It never hides the
 * cursor nor changes the terminal's mode, so nothing is left behind however the process ends.
 */
export class LiveLine {
  readonly #stream: OutputStream
  #drawn = ''

  constructor(stream: OutputStream) {
    this.#stream = stream
  }

  /** How much of a line can be drawn: one column less than there are, so that the cursor stays on it. */
  get columns(): number {
    return Math.max(1, (this.#stream.columns ?? 80) - 1)
  }

  /** Replaces the line. It must be no wider than {@link columns}. */
  draw(text: string): void {
    this.#stream.write(this.#erasure() + text)
    this.#drawn = text
  }

  /** Puts lines above it. */
  print(text: string): void {
    this.#stream.write(`${this.#erasure()}${text}\n${this.#drawn}`)
  }

  /** Takes it away. */
  clear(): void {
    this.#stream.write(this.#erasure())
    this.#drawn = ''
  }

  #erasure(): string {
    if (this.#drawn === '') return ''
    // A terminal that has become narrower meanwhile has wrapped it.
    const rows = Math.ceil(columnsOf(this.#drawn) / (this.#stream.columns ?? 80))
    return `\r${rows > 1 ? `\x1b[${rows - 1}A` : ''}\x1b[J`
  }
}
