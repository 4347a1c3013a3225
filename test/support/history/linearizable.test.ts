import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EntryAnswer, type EntryAsked, entryModel } from '#test/support/history/entry-model.ts'
import { type Call, isLinearizable } from '#test/support/history/linearizable.ts'

type EntryCall = Call<EntryAsked, EntryAnswer>

const call = (asked: EntryAsked, answer: EntryAnswer | undefined, began: number, ended: number): EntryCall => ({
  asked,
  answer,
  began,
  ended,
})
const set = (value: unknown, ifVersion?: number): EntryAsked => ({
  kind: 'set',
  value,
  ...(ifVersion !== undefined && { ifVersion }),
})
const written = (version: number, value: unknown): EntryAnswer => ({ kind: 'written', version, value })
const got = (value: unknown, version: number): EntryAnswer => ({ kind: 'got', value, version })
const isFine = (...calls: EntryCall[]) => isLinearizable(calls, entryModel)

const asked = fc.oneof<fc.Arbitrary<EntryAsked>[]>(
  fc.constant({ kind: 'get' }),
  fc.record({ kind: fc.constant('set' as const), value: fc.nat(3) }),
  fc.record({ kind: fc.constant('set' as const), value: fc.nat(3), ifVersion: fc.nat(4) }),
  fc.constant({ kind: 'delete' }),
  fc.constant({ kind: 'increment' }),
  fc.record({ kind: fc.constant('swap' as const), from: fc.nat(3), to: fc.nat(3) }),
)

describe('the search for an order', () => {
  it('finds a lost update', () => {
    const first = call(set(1), written(1, 1), 0, 1)
    expect(isFine(first, call({ kind: 'get' }, got(1, 1), 2, 3))).toBe(true)
    expect(isFine(first, call({ kind: 'get' }, { kind: 'none' }, 2, 3))).toBe(false)
    expect(isFine(first, call({ kind: 'get' }, { kind: 'none' }, 0, 3))).toBe(true)
    const twice = [call({ kind: 'increment' }, written(1, 1), 0, 5), call({ kind: 'increment' }, written(1, 1), 1, 6)]
    expect(isFine(...twice)).toBe(false)
  })

  it('finds a stale check that passed, and a version that is missing', () => {
    const first = call(set('a'), written(1, 'a'), 0, 1)
    const second = call(set('b'), written(2, 'b'), 2, 3)
    expect(isFine(first, second, call(set('c', 1), written(3, 'c'), 4, 5))).toBe(false)
    expect(isFine(first, second, call(set('c', 1), { kind: 'conflict' }, 4, 5))).toBe(true)
    expect(isFine(first, call(set('b'), written(3, 'b'), 2, 3))).toBe(false)
  })

  it('lets a call without an answer have happened at any time after it began, or not at all', () => {
    const lost = call(set('x'), undefined, 0, Number.POSITIVE_INFINITY)
    const read = (answer: EntryAnswer, began: number) => call({ kind: 'get' }, answer, began, began + 1)
    expect(isFine(lost, read({ kind: 'none' }, 1), read(got('x', 1), 3))).toBe(true)
    expect(isFine(lost, read({ kind: 'none' }, 1), read({ kind: 'none' }, 3))).toBe(true)
    expect(isFine(lost, read(got('x', 1), 1), read({ kind: 'none' }, 3))).toBe(false)
    expect(isFine(read(got('x', 1), -2), lost)).toBe(false)
  })

  it('agrees with whatever was done one after the other, however the times overlap', () => {
    const jitter = fc.array(fc.record({ asked, before: fc.nat(6), after: fc.nat(6), isLost: fc.boolean() }), {
      maxLength: 25,
    })
    fc.assert(
      fc.property(jitter, (steps) => {
        let state = entryModel.initial
        const calls = steps.map(({ asked, before, after, isLost }, index) => {
          const at = index * 4
          const answer = answersOf(state, asked)
          state = entryModel.step(state, asked, answer) ?? state
          return call(
            asked,
            isLost ? undefined : answer,
            at - before,
            isLost ? Number.POSITIVE_INFINITY : at + 1 + after,
          )
        })
        return isLinearizable(calls, entryModel)
      }),
    )
  })

  it('detects an invented answer', () => {
    fc.assert(
      fc.property(fc.array(asked, { minLength: 1, maxLength: 12 }), fc.nat(), (all, seed) => {
        let state = entryModel.initial
        const calls = all.map((asked, index) => {
          const answer = answersOf(state, asked)
          state = entryModel.step(state, asked, answer) ?? state
          return call(asked, answer, index * 2, index * 2 + 1)
        })
        const at = seed % calls.length
        const true_ = calls[at] as EntryCall
        const wrong = calls.with(at, { ...true_, answer: written(99, 'made up') })
        return !isLinearizable(wrong, entryModel)
      }),
    )
  })
})

/** The answer that the model would give. */
function answersOf(state: typeof entryModel.initial, asked: EntryAsked): EntryAnswer {
  const candidates: EntryAnswer[] = [
    { kind: 'none' },
    { kind: 'conflict' },
    got(state.value, state.version),
    { kind: 'written', version: state.version + 1 },
    ...[0, 1, 2, 3, Number(state.value) + 1].map((value) => written(state.version + 1, value)),
  ]
  const answer = candidates.find((one) => entryModel.step(state, asked, one) !== undefined)
  if (answer === undefined) throw new Error(`no answer to ${JSON.stringify([state, asked])}`)
  return answer
}
