import type { DocumentState } from './document.ts'

/** The stored result of a write under an idempotency key: the document without its data, which every repetition contains. */
export function encodeResult({ data: _, ...rest }: DocumentState): string {
  return JSON.stringify(rest)
}

/** The document as the write left it, whatever has changed since. */
export function decodeResult(text: string, data: unknown): DocumentState {
  const rest = JSON.parse(text) as Omit<DocumentState, 'data'>
  return {
    ...rest,
    data,
    createdAt: new Date(rest.createdAt),
    updatedAt: new Date(rest.updatedAt),
    expiresAt: rest.expiresAt && new Date(rest.expiresAt),
  }
}
