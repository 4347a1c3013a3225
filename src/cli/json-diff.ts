import { structuredPatch } from 'diff'
import type { Output } from './output.ts'
import { printable } from './text.ts'

const contextLines = 3

/** A value as people read and edit it. */
export function editable(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

/**
 * What changed between two JSON values, line by line: `-` was there, `+` is; nothing when they are the same. Undefined
 * stands for none.
 */
export function jsonDiff(output: Output, before: unknown, after: unknown): string[] {
  const [from, to] = [before, after].map((value) => (value === undefined ? '' : editable(value))) as [string, string]
  const { hunks } = structuredPatch('before', 'after', from, to, '', '', { context: contextLines })
  return hunks.flatMap(({ lines }, index) => [
    ...(index === 0 ? [] : [output.styled('dim', '…')]),
    ...lines.map((line) => styled(output, printable(line))),
  ])
}

function styled(output: Output, line: string): string {
  if (line.startsWith('+')) return output.styled('green', line)
  return line.startsWith('-') ? output.styled('red', line) : output.styled('dim', line)
}
