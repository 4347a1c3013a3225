/** A header's name (RFC 9110 §5.1). */
export const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** A header's value: visible ASCII, blanks and tabs (RFC 9110 §5.5), so that no second line can begin in one. */
export const headerValue = /^[\t\x20-\x7e]*$/

/** What HTTP itself says: where a message goes, where it ends, and what happens to its connection. */
const ofTransport =
  /^(host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|http2-settings|proxy-.*)$/i

/** Whether a header of an outbound request is written by this server alone, so that nobody else may name it. */
export function isTransportHeader(name: string): boolean {
  return ofTransport.test(name)
}

/** Headers with others on top: those of the same name, in any case, are replaced, so that each is sent once. */
export function mergeHeaders(
  base: Readonly<Record<string, string>>,
  top: Readonly<Record<string, string>>,
): Record<string, string> {
  const replaced = new Set(Object.keys(top).map((name) => name.toLowerCase()))
  const kept = Object.entries(base).filter(([name]) => !replaced.has(name.toLowerCase()))
  return { ...Object.fromEntries(kept), ...top }
}

/** A name that stands twice among names, differing by case only; undefined when there is none. */
export function repeatedHeader(names: readonly string[]): string | undefined {
  const seen = new Set<string>()
  return names.find((name) => seen.size === seen.add(name.toLowerCase()).size)
}

/** How long a `Retry-After` asks to wait (RFC 9110 §10.2.3), in milliseconds; undefined when it says nothing. */
export function parseRetryAfter(text: string | undefined, now: Date): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,10}$/.test(text.trim())) return Number(text) * 1_000
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime())
}
