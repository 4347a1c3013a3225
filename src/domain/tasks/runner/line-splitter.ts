import type { Readable } from 'node:stream'

/** Takes the lines that a {@link LineSplitter} finds. */
export interface LineSink {
  /** One line without its line end, and how many bytes of it were left out because it was too long. */
  line(text: string, cutBytes: number): void
  /** While true, lines are only counted, and told by `skip`. */
  readonly isFull?: boolean
  skip?(lines: number): void
}

const lineFeed = 0x0a
const carriageReturn = 0x0d

/** Cuts a byte stream into lines and keeps at most `maxBytes` of each, so that a line without an end fills no memory. */
class LineSplitter {
  readonly #sink: LineSink
  readonly #maxBytes: number
  #kept: Buffer[] = []
  #keptBytes = 0
  #cutBytes = 0

  constructor(sink: LineSink, maxBytes: number) {
    this.#sink = sink
    this.#maxBytes = maxBytes
  }

  push(chunk: Buffer): void {
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      // Past the limit a flood is only counted: making a string of each line would cost more than reading them.
      if (this.#sink.isFull) {
        this.#skip(chunk, start)
        return
      }
      this.#keep(chunk.subarray(start, end))
      this.#emit()
      start = end + 1
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start))
  }

  /** Gives the last line when it had no line end. */
  end(): void {
    if (this.#keptBytes + this.#cutBytes > 0) this.#emit()
  }

  #keep(piece: Buffer): void {
    const room = Math.max(0, this.#maxBytes - this.#keptBytes)
    const kept = piece.subarray(0, room)
    if (kept.length > 0) this.#kept.push(kept)
    this.#keptBytes += kept.length
    this.#cutBytes += piece.length - kept.length
  }

  #emit(): void {
    const bytes = this.#kept.length === 1 ? this.#kept[0] : Buffer.concat(this.#kept)
    const end = bytes?.at(-1) === carriageReturn ? -1 : undefined
    this.#sink.line(bytes?.subarray(0, end).toString('utf8') ?? '', this.#cutBytes)
    this.#reset()
  }

  #skip(chunk: Buffer, start: number): void {
    let lines = 0
    let next = start
    for (let end = chunk.indexOf(lineFeed, next); end !== -1; end = chunk.indexOf(lineFeed, next)) {
      lines += 1
      next = end + 1
    }
    this.#sink.skip?.(lines)
    this.#reset()
    if (next < chunk.length) this.#keep(chunk.subarray(next))
  }

  #reset(): void {
    this.#kept = []
    this.#keptBytes = 0
    this.#cutBytes = 0
  }
}

/**
 * Reads a stream to its end, line by line; waits for `ready` after each chunk, and with `returnsEndLines`
 * takes a carriage return for a line end as well. Never rejects: one that was destroyed
 * meanwhile has ended, with the lines read so far.
 */
export async function readLines(
  stream: Readable | null,
  sink: LineSink,
  options: { maxBytes: number; ready?: () => Promise<void>; returnsEndLines?: boolean },
): Promise<void> {
  if (!stream) return
  const splitter = new LineSplitter(sink, options.maxBytes)
  try {
    for await (const chunk of stream) {
      const bytes = chunk as Buffer
      if (options.returnsEndLines) replaceReturns(bytes)
      splitter.push(bytes)
      await options.ready?.()
    }
  } catch {
    // It was destroyed, or has no writer: the process that it belongs to reports what happened.
  }
  splitter.end()
}

function replaceReturns(bytes: Buffer): void {
  for (let at = bytes.indexOf(carriageReturn); at !== -1; at = bytes.indexOf(carriageReturn, at + 1))
    bytes[at] = lineFeed
}
