import type { Entry, EntryOutcome } from './entry.ts'

/** What is kept of a request under its key: the outcome but for the value, which whoever asks again says again. */
export function noteOf({ revision, written: [first] }: EntryOutcome): string {
  if (first?.entry === undefined) throw new Error('A value was to be kept, and none was.')
  const { value: _, ...entry } = first.entry
  return JSON.stringify({ revision, entry })
}

/** The outcome of keeping a value, whatever became of the entry since. */
export function recall(note: string, value: unknown): EntryOutcome {
  const { revision, entry: rest } = JSON.parse(note) as { revision: number; entry: Omit<Entry, 'value'> }
  const entry: Entry = {
    ...rest,
    value,
    createdAt: new Date(rest.createdAt),
    updatedAt: new Date(rest.updatedAt),
    expiresAt: rest.expiresAt && new Date(rest.expiresAt),
  }
  return { succeeded: true, revision, written: [{ key: entry.key, version: entry.version, entry }], failedChecks: [] }
}
