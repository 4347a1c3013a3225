/** The longest key, in bytes of UTF-8. */
const maxKeyBytes = 512
const maxPathLength = 512
const maxPathParts = 16
const maxPathPartLength = 128

/** Whatever can't be seen, or is not a character at all: control, format, unassigned, ignorable ones, and all blanks but the plain space. */
const unseen = /[\p{C}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Z}/u
/** Alphabets whose letters look alike; a part has letters of one of them at most. */
const alike = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
]

/**
 * Why a text can't be a key or a name that others have to tell apart by looking at it; undefined when it can: 1 to 512
 * bytes, in parts with `/` between them. A part has visible characters and, between them, plain spaces, without `*`, `\`
 * and `"`, is not `.` or `..`, is the same under Unicode's NFKC (so no character stands for another), and doesn't mix
 * alphabets that look alike.
 */
export function keyFault(key: string): string | undefined {
  if (key === '') return 'is empty'
  // Of a long one no more is looked at.
  if (key.length > maxKeyBytes || Buffer.byteLength(key) > maxKeyBytes) return `has more than ${maxKeyBytes} bytes`
  return key.split('/').map(partFault).find(Boolean)
}

/** Why a text can't be a collection's path: made as a key, of 1 to 16 parts of at most 128 characters, at most 512 in all. */
export function pathFault(path: string): string | undefined {
  if (path === '') return 'is empty'
  if (path.length > maxPathLength) return `has more than ${maxPathLength} characters`
  const parts = path.split('/')
  if (parts.length > maxPathParts) return `has more than ${maxPathParts} parts`
  if (parts.some((part) => part.length > maxPathPartLength))
    return `has a part of more than ${maxPathPartLength} characters`
  return parts.map(partFault).find(Boolean)
}

function partFault(part: string): string | undefined {
  if (part === '') return 'has an empty part'
  if (part === '.' || part === '..') return `has the part "${part}"`
  if (part.startsWith(' ') || part.endsWith(' ')) return 'has a part that begins or ends with a space'
  if (!part.isWellFormed() || unseen.test(part)) return 'has a character that can’t be seen'
  if (/[*\\"]/.test(part)) return 'has one of the characters * \\ "'
  if (part.normalize('NFKC') !== part) return 'has a character that stands for another one (Unicode NFKC)'
  if (alike.filter((script) => script.test(part)).length > 1) return 'mixes alphabets that look alike in one part'
  return undefined
}

/** Why a text can't be the beginning of keys; undefined when it can. */
export function prefixFault(prefix: string): string | undefined {
  const begun = /((^|\/)\.{0,2}| )$/.test(prefix) ? `${prefix}x` : prefix
  return keyFault(begun.length > maxKeyBytes ? prefix : begun)
}

/** The first text, in the order of bytes, behind all keys with this beginning. */
export function behindPrefix(prefix: string): string {
  // No key contains it, since it is not a character.
  return `${prefix}\u{10ffff}`
}
