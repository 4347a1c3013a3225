import type { StepBudget } from './step-budget.ts'

export const jsonTypes = ['object', 'array', 'string', 'number', 'boolean', 'null'] as const
export type JsonType = (typeof jsonTypes)[number]

/** Whether two JSON values are the same; numbers by their value. @throws {FilterTooCostly} */
export function jsonEquals(one: unknown, other: unknown, budget: StepBudget): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  budget.spend(1)
  if (Array.isArray(one))
    return (
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((item, index) => jsonEquals(item, other[index], budget))
    )
  if (Array.isArray(other)) return false
  const members = Object.entries(one)
  const count = Object.keys(other).length
  budget.spend(members.length + count)
  return (
    members.length === count &&
    members.every(
      ([name, value]) =>
        Object.hasOwn(other, name) && jsonEquals(value, (other as Record<string, unknown>)[name], budget),
    )
  )
}

export function jsonTypeOf(value: unknown): JsonType | undefined {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  const type = typeof value
  return type === 'object' || type === 'string' || type === 'number' || type === 'boolean' ? type : undefined
}

/**
 * Compares texts by their code points, as UTF-8 bytes would be: negative, zero or positive. JavaScript's own `<` compares
 * UTF-16 units, which puts characters beyond U+FFFF before those from U+E000 on.
 */
export function compareText(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let index = 0; index < length; index += 1) {
    const [a, b] = [one.charCodeAt(index), other.charCodeAt(index)]
    if (a !== b) return isSurrogate(a) === isSurrogate(b) ? a - b : isSurrogate(a) ? 1 : -1
  }
  return one.length - other.length
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}

/** The first characters of a text; a pair of surrogates is one. */
export function firstCharacters(text: string, count: number): string {
  if (text.length <= count) return text
  return [...text.slice(0, 2 * count)].slice(0, count).join('')
}
