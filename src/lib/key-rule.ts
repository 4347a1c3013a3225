/** The longest key, in bytes of UTF-8. */
const longestKeyBytes = 512

/**
 * Why a text can't be a key or a name that others have to tell apart by looking at it; undefined when it can. Parts stand
 * between slashes.
 */
export function keyFault(key: string): string | undefined {
  if (key === '') return 'is empty'
  // Of a long one no more is looked at.
  if (key.length > longestKeyBytes || Buffer.byteLength(key) > longestKeyBytes)
    return `is longer than ${longestKeyBytes} bytes`
  if (/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(key))
    return 'holds a character that nobody can see, or that Unicode does not know'
  if (/(?! )\p{Zs}/u.test(key)) return 'holds a space that is none of the usual ones'
  if (key.normalize('NFC') !== key) return 'is not in the composed form of Unicode (NFC)'
  return key.split('/').map(partFault).find(Boolean)
}

function partFault(part: string): string | undefined {
  if (part === '') return 'has an empty part between slashes, or begins or ends with one'
  if (part === '.' || part === '..') return `has the part "${part}", which is no name`
  return part.trim() === part ? undefined : 'has a part that begins or ends with a space'
}

/** Why a text can't be the beginning of keys; undefined when it can. */
export function prefixFault(prefix: string): string | undefined {
  if (prefix === '') return undefined
  const begun = /(^|\/)(\.{0,2}| )$|\/$/.test(prefix) ? `${prefix}x` : prefix.replace(/ $/, ' x')
  return keyFault(begun.length > longestKeyBytes ? prefix : begun)
}

/** The first text, in the order of bytes, behind all keys with this beginning. */
export function behindPrefix(prefix: string): string {
  // No key holds it, since it is no character.
  return `${prefix}\u{10ffff}`
}
