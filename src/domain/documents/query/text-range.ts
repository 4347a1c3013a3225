/** The least text that is greater than all that begin with this one, by code points; undefined when there is none. */
export function afterAllBeginningWith(text: string): string | undefined {
  const characters = [...text]
  while (characters.length > 0) {
    const next = nextCharacter(characters.pop() ?? '')
    if (next !== undefined) return characters.join('') + next
  }
  return undefined
}

function nextCharacter(character: string): string | undefined {
  const code = character.codePointAt(0) ?? 0
  if (code >= 0x10ffff) return undefined
  // Halves of pairs are no characters.
  return String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1)
}
