/** Text that PostgreSQL can store: no NUL, no half of a surrogate pair. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD')
}

/** The first `maxLength` characters, with a mark that says how many bytes are missing. */
export function cutText(text: string, maxLength: number, alreadyCutBytes = 0): string {
  if (text.length <= maxLength && alreadyCutBytes === 0) return text
  const missing = alreadyCutBytes + Buffer.byteLength(text.slice(maxLength))
  return `${text.slice(0, maxLength)} … [${missing.toLocaleString('en')} more bytes cut]`
}
