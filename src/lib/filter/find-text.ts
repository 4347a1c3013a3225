/** Up to this length, the engine's own search takes time linear in the text for any pattern. */
const maxNativeLength = 250

/** Whether the text contains the pattern, in time linear in both. */
export function includesText(text: string, pattern: string): boolean {
  return pattern.length <= maxNativeLength ? text.includes(pattern) : searchLinear(text, pattern)
}

/** Knuth, Morris and Pratt: a character of the text that did not fit is never compared from the beginning again. */
function searchLinear(text: string, pattern: string): boolean {
  const fallback = fallbacksOf(pattern)
  let matched = 0
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    while (matched > 0 && pattern.charCodeAt(matched) !== unit) matched = fallback[matched - 1] ?? 0
    if (pattern.charCodeAt(matched) === unit) matched += 1
    if (matched === pattern.length) return true
  }
  return false
}

/** For each beginning of the pattern, how long its longest proper beginning is that is also its end. */
function fallbacksOf(pattern: string): Uint16Array {
  const fallback = new Uint16Array(pattern.length)
  let matched = 0
  for (let at = 1; at < pattern.length; at += 1) {
    const unit = pattern.charCodeAt(at)
    while (matched > 0 && pattern.charCodeAt(matched) !== unit) matched = fallback[matched - 1] ?? 0
    if (pattern.charCodeAt(matched) === unit) matched += 1
    fallback[at] = matched
  }
  return fallback
}
