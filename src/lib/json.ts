const unstorable = /\\u0000|\\ud[89a-f][0-9a-f]{2}/i

/** Text that PostgreSQL can keep: no NUL, no half of a surrogate pair; each such character becomes U+FFFD. */
export function storableText(text: string): string {
  return text.replaceAll('\u0000', '\ufffd').toWellFormed()
}

/** JSON text that jsonb can keep, made as {@link storableText} does; `null` for what JSON can't say. */
export function storableJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null'
  if (!unstorable.test(text)) return text
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'string') return storableText(inner)
    return isRecord(inner) ? Object.fromEntries(Object.entries(inner).map(([k, v]) => [storableText(k), v])) : inner
  })
}

/** Whether a value could be kept as it is. */
export function isStorable(value: unknown): boolean {
  return !unstorable.test(JSON.stringify(value) ?? '')
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
