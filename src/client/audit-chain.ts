import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'

/** An entry of an export, as far as its place in the chain goes. */
export interface ExportedEntry {
  readonly seq: number
  readonly previousHash: string
  readonly hash: string
}

/** What is wrong with an entry of an export, given the one before it; undefined when nothing is. */
export function faultOfExported(entry: ExportedEntry, before: ExportedEntry | undefined): string | undefined {
  const { hash, ...facts } = entry
  const text = canonicalize(facts) as string
  if (createHash('sha256').update(text).digest('hex') !== hash)
    return `Entry ${entry.seq} was changed: its content does not have its hash.`
  if (before === undefined) return undefined
  if (entry.seq !== before.seq + 1) return `Entry ${entry.seq} stands behind entry ${before.seq}: entries are missing.`
  return entry.previousHash === before.hash
    ? undefined
    : `Entry ${entry.seq} was not written behind this entry ${before.seq}.`
}
