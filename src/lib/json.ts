/** In JSON text; a backslash that is escaped itself begins no escape. */
const unstorablePart = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/i

/** Text that PostgreSQL can keep: no NUL, no half of a surrogate pair; each such character becomes U+FFFD. */
export function storableText(text: string): string {
  return text.replaceAll('\u0000', '\ufffd').toWellFormed()
}

/** JSON text that jsonb can keep, made as {@link storableText} does; `null` for what JSON can't say. */
export function storableJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null'
  if (!unstorablePart.test(text)) return text
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'string') return storableText(inner)
    return isRecord(inner) ? Object.fromEntries(Object.entries(inner).map(([k, v]) => [storableText(k), v])) : inner
  })
}

/** What is wrong with a text that is not {@link isStorable storable}, as the end of a sentence. */
export const unstorable = 'holds a NUL character or half of a surrogate pair'

/** Whether a value could be kept as it is. */
export function isStorable(value: unknown): boolean {
  return !unstorablePart.test(JSON.stringify(value) ?? '')
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
