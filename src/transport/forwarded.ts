import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { plainAddress } from '#lib/address.ts'

/**
 * The addresses that a request came from, the nearest first, as proxies name them: in `X-Forwarded-For`, or without that in
 * `Forwarded` (RFC 7239), in each of which a proxy appends whom it was called by. Without ports, brackets and quotes;
 * undefined for one that is hidden or not an address.
 */
export function forwardedFor(headers: IncomingHttpHeaders): (string | undefined)[] {
  const listed = headers['x-forwarded-for']
  if (listed !== undefined) return splitFromEnd([listed].flat().join(','), ',').map(addressIn)
  if (headers.forwarded === undefined) return []
  return splitFromEnd(headers.forwarded, ',').map((element) => addressIn(parameterOf(element, 'for')))
}

/**
 * The pieces of a list, the last one first. Quotes are paired from the end, so that a proxy's own piece is read as it was
 * written whatever a client has written before it.
 */
function splitFromEnd(text: string, separator: string): string[] {
  const pieces: string[] = []
  let end = text.length
  let isQuoted = false
  for (let at = text.length - 1; at >= 0; at -= 1) {
    if (text[at] === '"') isQuoted = !isQuoted
    if (text[at] !== separator || isQuoted) continue
    pieces.push(text.slice(at + 1, end))
    end = at
  }
  return [...pieces, text.slice(0, end)]
}

function parameterOf(element: string, name: string): string {
  const pairs = splitFromEnd(element, ';').map((pair) => pair.split(/=(.*)/s, 2))
  return pairs.find(([key = '']) => key.trim().toLowerCase() === name)?.[1] ?? ''
}

const port = '(?::(?:\\d{1,5}|_[\\w.-]+))?'
const withPort = new RegExp(`^(\\d{1,3}(?:\\.\\d{1,3}){3})${port}$`)
const inBrackets = new RegExp(`^\\[([^\\]]+)\\]${port}$`)

function addressIn(text: string): string | undefined {
  const bare = text
    .trim()
    .replace(/^"(.*)"$/s, '$1')
    .trim()
  const [, literal] = withPort.exec(bare) ?? inBrackets.exec(bare) ?? []
  const address = plainAddress(literal ?? bare)
  return isIP(address) === 0 ? undefined : address
}
