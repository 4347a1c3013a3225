import type { DocumentState } from './document.ts'

/** What is kept of a write under its key: all of what it made but the data, which whoever asks again says again. */
export function noteOf({ data: _, ...rest }: DocumentState): string {
  return JSON.stringify(rest)
}

/** What a write has made of a document, whatever became of that since. */
export function recall(note: string, data: unknown): DocumentState {
  const rest = JSON.parse(note) as Omit<DocumentState, 'data'>
  return {
    ...rest,
    data,
    createdAt: new Date(rest.createdAt),
    updatedAt: new Date(rest.updatedAt),
    expiresAt: rest.expiresAt && new Date(rest.expiresAt),
  }
}
