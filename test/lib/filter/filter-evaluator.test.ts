import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FilterEvaluator, filterBudget } from '#lib/filter/filter-evaluator.ts'
import { includesText } from '#lib/filter/find-text.ts'
import { maxLivePatternSize, parseLiveFilter, readLiveFilter } from '#lib/filter/live-filter.ts'
import { matches } from '#lib/filter/matches.ts'
import { FilterTooCostly, StepBudget } from '#lib/filter/step-budget.ts'

/** Takes 97 steps for each character, about. */
const costly = (mark: string) => ({ path: 'text', matches: `${mark}[xab]{0,45}[xab]{0,45}d` })
const text = `d${'x'.repeat(4_095)}`
const events = () => ({ data: { text } })

describe('a filter that is evaluated for each change', () => {
  it('has patterns of a limited size, all of them together', () => {
    expect(() => parseLiveFilter(costly('x'))).not.toThrow()
    expect(() => parseLiveFilter({ or: [costly('x'), costly('a')] })).not.toThrow()
    expect(() => parseLiveFilter({ or: [costly('x'), costly('a'), costly('b')] }, 'filter')).toThrow(
      `at most ${maxLivePatternSize} are searched for each change`,
    )
    expect(() => parseLiveFilter({ path: 'text', matches: 'x[xab]{0,240}[xab]{0,240}d' })).toThrow('has regular')
  })

  it('is the same object as an equal one, and another one when a time is not a text', () => {
    expect(parseLiveFilter({ path: 'a', eq: 1 })).toBe(parseLiveFilter({ path: 'a', eq: 1 }))
    expect(parseLiveFilter({ path: 'a', eq: 1 })).not.toBe(parseLiveFilter({ path: 'a', eq: 2 }))
    const at = '2026-11-28T10:00:00.000Z'
    expect(parseLiveFilter({ path: 'a', gt: at })).not.toBe(parseLiveFilter({ path: 'a', gt: new Date(at) }))
  })
})

describe('the evaluation of filters', () => {
  it('says what matches says, and asks an equal filter once for an event', async () => {
    const evaluator = new FilterEvaluator()
    let asked = 0
    const data = {
      get n() {
        asked += 1
        return 1
      },
    }
    const event = {}
    for (let round = 0; round < 50; round += 1)
      expect(await evaluator.holds(parseLiveFilter({ path: 'n', gte: 1 }), event, { data })).toBe(true)
    expect(asked).toBe(1)
    expect(await evaluator.holds(parseLiveFilter({ path: 'n', gte: 1 }), event, { data: { n: 0 } })).toBe(false)
  })

  it('refuses a filter that takes more than one may, without having done the work', async () => {
    const evaluator = new FilterEvaluator()
    const marks = ['x', 'a', 'b', 'xx', 'xa']
    const tooMuch = readLiveFilter({ or: marks.map(costly) })
    await expect(evaluator.holds(tooMuch, {}, events())).rejects.toThrow(FilterTooCostly)
    await expect(evaluator.holds(tooMuch, {}, { data: { text: 'short' } })).resolves.toBe(false)
  })

  it('leaves a little to each filter when the others have taken what there is for an event', async () => {
    const evaluator = new FilterEvaluator()
    const event = {}
    const facts = events()
    const each = costOf(costly('x'))
    const affordable = Math.floor(filterBudget.event / each)
    for (let index = 0; index < affordable; index += 1)
      await expect(
        evaluator.holds(readLiveFilter({ and: [costly('x'), { path: 'n', ne: index }] }), event, facts),
      ).resolves.toBe(false)
    await expect(evaluator.holds(readLiveFilter(costly('b')), event, facts)).rejects.toThrow(FilterTooCostly)
    await expect(evaluator.holds(readLiveFilter({ path: 'text', contains: 'xxd' }), event, facts)).resolves.toBe(false)
    await expect(evaluator.holds(readLiveFilter(costly('b')), {}, facts)).resolves.toBe(false)
  })

  it('lets everything else have its turn between filters that take long', async () => {
    const evaluator = new FilterEvaluator()
    let isOver = false
    const all = Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        evaluator.holds(readLiveFilter({ and: [costly('x'), { path: 'n', ne: index }] }), {}, events()),
      ),
    ).then(() => {
      isOver = true
    })
    let turns = 0
    for (; !isOver; turns += 1) await nextTurn()
    await all
    expect(turns).toBeGreaterThanOrEqual(5)
  })

  it('counts the same steps each time, whatever is asked', () => {
    const data = { list: Array.from({ length: 10_000 }, (_, n) => ({ n })), wide: Object.fromEntries(keys(20_000)) }
    for (const raw of [
      { path: 'list', arrayContains: { n: -1 } },
      { or: Array.from({ length: 100 }, (_, n) => ({ path: 'wide', eq: { n } })) },
    ])
      expect(() => matches(readLiveFilter(raw).filter, { data }, new StepBudget(5_000))).toThrow(FilterTooCostly)
  })
})

function keys(count: number): [string, number][] {
  return Array.from({ length: count }, (_, index) => [`k${index}`, index])
}

function costOf(raw: unknown): number {
  const budget = new StepBudget(filterBudget.evaluation)
  matches(readLiveFilter(raw).filter, events(), budget)
  return filterBudget.evaluation - budget.left
}

describe('a piece of text', () => {
  it('is found as JavaScript finds it, short or long', () => {
    const unit = fc.constantFrom('a', 'b', '\ud83d\ude00')
    const long = fc.string({ unit, minLength: 240, maxLength: 400 })
    const around = fc.string({ unit, maxLength: 300 })
    fc.assert(
      fc.property(long, around, around, fc.nat(400), (pattern, before, after, cut) => {
        const whole = before + pattern + after
        expect(includesText(whole, pattern)).toBe(true)
        const changed = `${pattern.slice(0, cut)}c${pattern.slice(cut)}`
        expect(includesText(whole, changed)).toBe(whole.includes(changed))
        expect(includesText(whole, pattern.slice(cut))).toBe(true)
      }),
    )
  })
})
