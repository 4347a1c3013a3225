/** A stretch of bytes: from `start` up to, not including, `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * The one range that a `Range` header asks for (RFC 9110 §14.1.2); `unsatisfiable` when it lies beyond the end;
 * undefined when the whole is to be sent: without a header, and for what the RFC lets a server ignore: several
 * ranges, other units, malformed ones.
 */
export function parseByteRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes\s*=\s*(\d{0,15})-(\d{0,15})$/i.exec(header?.trim() ?? '') ?? []
  if (first === '' && last === '') return undefined
  const range = first === '' ? suffix(Number(last), size) : stretch(Number(first), last, size)
  if (range === undefined) return undefined
  return range.start < range.end ? range : 'unsatisfiable'
}

function suffix(length: number, size: number): ByteRange {
  return { start: Math.max(0, size - length), end: size }
}

function stretch(start: number, last: string, size: number): ByteRange | undefined {
  if (last === '') return { start, end: size }
  if (Number(last) < start) return undefined
  return { start, end: Math.min(Number(last) + 1, size) }
}
