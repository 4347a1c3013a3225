import type { DocumentDetailsFragment } from '#client/index.ts'
import { jsonDiff } from './json-diff.ts'
import type { Output } from './output.ts'
import { moment, printable } from './text.ts'

/** Where a document is, for people. */
export function placeOf({ collection, key }: { readonly collection: string; readonly key: string }): string {
  return printable(`${collection}/${key}`)
}

/** A document's version, author and time in a sentence. */
export function versionText({ version, updatedBy, updatedAt }: DocumentDetailsFragment): string {
  return `version ${version}, by ${printable(updatedBy.name)}, ${moment(updatedAt)}`
}

/** Prints what is different between two values, line by line; returns false when nothing is. */
export function tellDifference(output: Output, from: Named, to: Named): boolean {
  const lines = jsonDiff(output, from.value, to.value)
  if (lines.length === 0) return false
  for (const title of [`--- ${from.name}`, `+++ ${to.name}`]) output.line(output.styled('bold', title))
  for (const line of lines) output.line(line)
  return true
}

/** A value, and what it is called. */
export interface Named {
  readonly name: string
  readonly value: unknown
}
