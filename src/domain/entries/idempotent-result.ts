import type { Entry, EntryOutcome } from './entry.ts'

/** The stored result of a request under an idempotency key: without the value, which every repetition contains. */
export function encodeResult({ revision, written: [first] }: EntryOutcome): string {
  if (first?.entry === undefined) throw new Error('A value was to be kept, and none was.')
  const { value: _, ...entry } = first.entry
  return JSON.stringify({ revision, entry })
}

/** The outcome of the request, whatever has changed the entry since. */
export function decodeResult(text: string, value: unknown): EntryOutcome {
  const { revision, entry: rest } = JSON.parse(text) as { revision: number; entry: Omit<Entry, 'value'> }
  const entry: Entry = {
    ...rest,
    value,
    createdAt: new Date(rest.createdAt),
    updatedAt: new Date(rest.updatedAt),
    expiresAt: rest.expiresAt && new Date(rest.expiresAt),
  }
  return { succeeded: true, revision, written: [{ key: entry.key, version: entry.version, entry }], failedChecks: [] }
}
