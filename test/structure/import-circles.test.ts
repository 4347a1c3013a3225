import { expect, it } from 'vitest'
import { importsOf, sourceFiles } from './source-files.ts'

/** The shortest way from a file back to itself; undefined when there is none. */
function circleOf(start: string): string[] | undefined {
  const before = new Map<string, string>()
  const waiting = [start]
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift())
    for (const next of importsOf.get(file) ?? []) {
      if (next === start) return wayTo(file, before)
      if (before.has(next)) continue
      before.set(next, file)
      waiting.push(next)
    }
  return undefined
}

function wayTo(last: string, before: ReadonlyMap<string, string>): string[] {
  const way: string[] = []
  for (let file: string | undefined = last; file !== undefined; file = before.get(file)) way.unshift(file)
  return way
}

it('no file needs itself, not even for a type: what two files share is in a third one', () => {
  expect(sourceFiles.size).toBeGreaterThan(500)
  const circles = [...sourceFiles.keys()].flatMap((file) => {
    const circle = circleOf(file)
    // Each circle once, from its first file.
    return circle === undefined || circle.some((other) => other < file) ? [] : [circle.join(' → ')]
  })
  expect(circles).toEqual([])
})
