import { structuredPatch } from 'diff'
import type { DocumentDetailsFragment } from '#client/index.ts'
import type { Output, Style } from './output.ts'
import { moment, printable } from './text.ts'

/** Where a document is, for people. */
export function placeOf({ collection, key }: { readonly collection: string; readonly key: string }): string {
  return printable(`${collection}/${key}`)
}

/** A document's version, author and time in a sentence. */
export function versionText({ version, updatedBy, updatedAt }: DocumentDetailsFragment): string {
  return `version ${version}, by ${printable(updatedBy.name)}, ${moment(updatedAt)}`
}

/** A value as an editor shows it. */
export function editable(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

const styles: Readonly<Record<string, Style>> = { '+': 'green', '-': 'red' }

/** Tells what is different between two values, line by line; returns false when nothing is. */
export function tellDifference(output: Output, from: Named, to: Named): boolean {
  const { hunks } = structuredPatch(
    from.name,
    to.name,
    editable(from.value),
    editable(to.value),
    undefined,
    undefined,
    {
      context: 3,
    },
  )
  if (hunks.length === 0) return false
  output.line(output.styled('bold', `--- ${from.name}`))
  output.line(output.styled('bold', `+++ ${to.name}`))
  for (const { oldStart, oldLines, newStart, newLines, lines } of hunks) {
    output.line(output.styled('cyan', `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`))
    for (const line of lines) {
      const style = styles[line.charAt(0)]
      output.line(style === undefined ? line : output.styled(style, line))
    }
  }
  return true
}

/** A value, and what it is called. */
export interface Named {
  readonly name: string
  readonly value: unknown
}
