import type { Model } from './linearizable.ts'

/** One entry as the model has it; undefined version 0: never written. */
export interface EntryState {
  readonly value: unknown
  /** The last version that the key had. */
  readonly version: number
  readonly exists: boolean
}

/** What clients ask of one entry. */
export type EntryAsked =
  | { readonly kind: 'get' }
  | { readonly kind: 'set'; readonly value: unknown; readonly ifVersion?: number }
  | { readonly kind: 'delete' }
  | { readonly kind: 'increment' }
  /** A check on the value, with a write that follows when it holds. */
  | { readonly kind: 'swap'; readonly from: unknown; readonly to: unknown }

export type EntryAnswer =
  | { readonly kind: 'got'; readonly value: unknown; readonly version: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'written'; readonly version: number; readonly value?: unknown }
  | { readonly kind: 'conflict' }

/** An entry, one call after the other; versions without a gap, over deletions too. */
export const entryModel: Model<EntryState, EntryAsked, EntryAnswer> = {
  initial: { value: null, version: 0, exists: false },
  key: ({ value, version, exists }) => JSON.stringify([value, version, exists]),
  step(state, asked, answer) {
    const { next, answers } = answerTo(state, asked)
    return answer === undefined || JSON.stringify(answer) === JSON.stringify(answers) ? next : undefined
  },
}

function answerTo(state: EntryState, asked: EntryAsked): { next: EntryState; answers: EntryAnswer } {
  const { value, version, exists } = state
  const same = (answers: EntryAnswer) => ({ next: state, answers })
  const written = (to: unknown, told = to) => ({
    next: { value: to, version: version + 1, exists: true },
    answers: { kind: 'written', version: version + 1, value: told } as const,
  })
  switch (asked.kind) {
    case 'get':
      return same(exists ? { kind: 'got', value, version } : { kind: 'none' })
    case 'set':
      if (asked.ifVersion !== undefined && asked.ifVersion !== (exists ? version : 0)) return same({ kind: 'conflict' })
      return written(asked.value)
    case 'delete':
      if (!exists) return same({ kind: 'none' })
      return {
        next: { value: null, version: version + 1, exists: false },
        answers: { kind: 'written', version: version + 1 },
      }
    case 'increment':
      return typeof value === 'number' || !exists
        ? written((exists ? Number(value) : 0) + 1)
        : same({ kind: 'conflict' })
    case 'swap':
      return exists && JSON.stringify(value) === JSON.stringify(asked.from)
        ? written(asked.to)
        : same({ kind: 'conflict' })
  }
}
