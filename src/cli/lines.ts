import { createReadStream } from 'node:fs'
import { notUtf8 } from '#lib/utf8.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'

/**
 * The lines of a UTF-8 file (undefined or `-`: standard input). Lines end with LF or CR LF and nothing else: Node's
 * readline would also split at U+2028 and U+2029, which a JSON text may hold. @throws {CommandFailure}
 */
export async function* linesOf(file: string | undefined): AsyncGenerator<string> {
  const isStandardInput = file === undefined || file === '-'
  const name = isStandardInput ? 'The standard input' : file
  try {
    yield* splitLines(isStandardInput ? process.stdin : createReadStream(file), name)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === undefined || cause instanceof CommandFailure) throw cause
    throw new CommandFailure(`${name} can't be read: ${(cause as Error).message}.`, exitCodes.missing, { cause })
  }
}

async function* splitLines(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let pieces: string[] = []
  for await (const chunk of chunks) {
    const [first = '', ...rest] = decode(decoder, name, chunk).split('\n')
    pieces.push(first)
    for (const piece of rest) {
      yield withoutReturn(pieces.join(''))
      pieces = [piece]
    }
  }
  const last = pieces.join('') + decode(decoder, name)
  if (last !== '') yield withoutReturn(last)
}

/** Without a chunk: the end, where half a character may be left. */
function decode(decoder: TextDecoder, name: string, chunk?: Buffer): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined })
  } catch (cause) {
    throw new CommandFailure(`${name} ${notUtf8}.`, exitCodes.invalid, { cause })
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
