import { isUtf8 } from 'node:buffer'

/** What is said of bytes that are not UTF-8, as the end of a sentence. */
export const notUtf8 = 'is not UTF-8'

/** The text that the bytes are, without its byte order mark; undefined when they are not UTF-8. */
export function decodeUtf8(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return undefined
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return bytes.toString('utf8', hasMark ? 3 : 0)
}
