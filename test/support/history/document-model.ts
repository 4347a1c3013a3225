import type { EntryAnswer } from './entry-model.ts'
import type { Model } from './linearizable.ts'

/** What clients ask of one document; what it holds is a digit. */
export type DocumentAsked =
  | { readonly kind: 'get' }
  | { readonly kind: 'put'; readonly value: number; readonly expected?: number }
  | { readonly kind: 'delete'; readonly expected?: number }
  | { readonly kind: 'restore'; readonly version: number; readonly expected?: number }
  /** A JSON Patch that tests the value before it replaces it. */
  | { readonly kind: 'patch'; readonly from: number; readonly to: number }

/** Answers as an entry gives them. */
export type DocumentAnswer = EntryAnswer

const deletion = '-'

/**
 * A document, one call after the other; each write a version, deletions included. The state is what its versions hold, a
 * character each: what is restored depends on all of them.
 */
export const documentModel: Model<string, DocumentAsked, DocumentAnswer> = {
  initial: '',
  key: (versions) => versions,
  step(versions, asked, answer) {
    const { next, answers } = answerTo(versions, asked)
    return answer === undefined || JSON.stringify(answer) === JSON.stringify(answers) ? next : undefined
  },
}

function answerTo(versions: string, asked: DocumentAsked): { next: string; answers: DocumentAnswer } {
  const version = versions.length
  const last = versions.at(-1) ?? deletion
  const exists = last !== deletion
  const same = (answers: DocumentAnswer) => ({ next: versions, answers })
  const written = (to: string) => ({
    next: versions + to,
    answers: { kind: 'written', version: version + 1, ...(to !== deletion && { value: Number(to) }) } as const,
  })
  const expected = 'expected' in asked ? asked.expected : undefined
  const fits = expected === undefined || expected === version || (expected === 0 && !exists)
  switch (asked.kind) {
    case 'get':
      return same(exists ? { kind: 'got', value: Number(last), version } : { kind: 'none' })
    case 'put':
      return fits ? written(String(asked.value)) : same({ kind: 'conflict' })
    case 'delete':
      if (!exists) return same({ kind: 'none' })
      return fits ? written(deletion) : same({ kind: 'conflict' })
    case 'restore': {
      if (!fits) return same({ kind: 'conflict' })
      const earlier = versions.at(asked.version - 1) ?? deletion
      return earlier === deletion || asked.version > version ? same({ kind: 'none' }) : written(earlier)
    }
    case 'patch':
      if (!exists) return same({ kind: 'none' })
      return last === String(asked.from) ? written(String(asked.to)) : same({ kind: 'conflict' })
  }
}
