import { decodeUtf8 } from './utf8.ts'

/** Whether all percent-encoded bytes of a query or form are UTF-8; a stray `%` stands for itself (WHATWG URL §5.1). */
export function isEncodedUtf8(text: string): boolean {
  if (!text.includes('%')) return true
  try {
    decodeURIComponent(text.replace(/%(?![\da-f]{2})/gi, '%25'))
    return true
  } catch {
    return false
  }
}

/** The fields of a form (application/x-www-form-urlencoded); undefined when it is not UTF-8. */
export function parseForm(bytes: Buffer): URLSearchParams | undefined {
  const text = decodeUtf8(bytes)
  return text !== undefined && isEncodedUtf8(text) ? new URLSearchParams(text) : undefined
}
