import type { AST } from '@eslint-community/regexpp'

/** Code points, both ends included. */
export interface CharacterRange {
  readonly from: number
  readonly to: number
}

/** Text that can be stored has no NUL. */
const lowest = 1
const highest = 0x10ffff

const code = (character: string): number => character.codePointAt(0) ?? 0
const between = (from: string, to = from): CharacterRange => ({ from: code(from), to: code(to) })

/** Of ASCII alone, so that they mean the same everywhere. */
const sets = {
  digit: [between('0', '9')],
  space: [between('\t', '\r'), between(' ')],
  word: [between('0', '9'), between('A', 'Z'), between('_'), between('a', 'z')],
}

type CharacterNode = AST.Character | AST.CharacterSet | AST.CharacterClass | AST.ExpressionCharacterClass

/** The code points that one character of a pattern stands for, in order and without overlap. */
export function rangesOf(
  node: CharacterNode | AST.CharacterClassElement,
  refusal: (fault: string) => Error,
): CharacterRange[] {
  switch (node.type) {
    case 'Character':
      return [point(node.value, refusal)]
    case 'CharacterClassRange':
      return [{ from: point(node.min.value, refusal).from, to: point(node.max.value, refusal).to }]
    case 'CharacterSet':
      return setRanges(node, refusal)
    case 'CharacterClass': {
      const ranges = merged(node.elements.flatMap((element) => rangesOf(element, refusal)))
      return node.negate ? complementOf(ranges) : ranges
    }
    default:
      throw refusal('has a character class composed of others')
  }
}

function point(value: number, refusal: (fault: string) => Error): CharacterRange {
  if (value < lowest || (value >= 0xd800 && value <= 0xdfff)) throw refusal('has a character that no text can hold')
  return { from: value, to: value }
}

function setRanges(node: AST.CharacterSet, refusal: (fault: string) => Error): CharacterRange[] {
  if (node.kind === 'any') return complementOf([])
  if (node.kind === 'property') throw refusal('has a Unicode property')
  return node.negate ? complementOf(sets[node.kind]) : sets[node.kind]
}

/** Every other code point; of ranges in order. */
export function complementOf(ranges: readonly CharacterRange[]): CharacterRange[] {
  const gaps: CharacterRange[] = []
  let next = lowest
  for (const { from, to } of ranges) {
    if (from > next) gaps.push({ from: next, to: from - 1 })
    next = to + 1
  }
  if (next <= highest) gaps.push({ from: next, to: highest })
  return gaps
}

function merged(ranges: readonly CharacterRange[]): CharacterRange[] {
  const result: CharacterRange[] = []
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last !== undefined && range.from <= last.to + 1)
      result[result.length - 1] = { from: last.from, to: Math.max(last.to, range.to) }
    else result.push(range)
  }
  return result
}
