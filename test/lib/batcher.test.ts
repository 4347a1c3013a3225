import { describe, expect, it } from 'vitest'
import { createBatcher } from '#lib/batcher.ts'
import { until } from '#test/support/until.ts'

describe('a batcher', () => {
  it('starts at once, and puts together what arrives meanwhile', async () => {
    const batches: number[][] = []
    const gates: PromiseWithResolvers<void>[] = []
    const double = createBatcher<number, number>({
      maxSize: 10,
      run: async (items) => {
        batches.push([...items])
        const gate = Promise.withResolvers<void>()
        gates.push(gate)
        await gate.promise
        return items.map((item) => item * 2)
      },
    })
    const first = double(1)
    const second = double(2)
    await new Promise(setImmediate)
    const rest = [double(3), double(4)]
    gates[0]?.resolve()
    expect(await Promise.all([first, second])).toEqual([2, 4])
    gates[1]?.resolve()
    expect(await Promise.all(rest)).toEqual([6, 8])
    expect(batches).toEqual([
      [1, 2],
      [3, 4],
    ])
  })

  it('makes no batch larger than it may be', async () => {
    const sizes: number[] = []
    const echo = createBatcher<number, number>({
      maxSize: 3,
      run: async (items) => {
        sizes.push(items.length)
        return items
      },
    })
    await Promise.all([1, 2, 3, 4, 5, 6, 7].map(echo))
    expect(sizes).toEqual([3, 3, 1])
  })

  it('waits for those to come again who were in the last batch, and no longer than it may', async () => {
    const sizes: number[] = []
    const gates: PromiseWithResolvers<void>[] = []
    const echo = createBatcher<number, number>({
      maxSize: 10,
      gatherMs: 60_000,
      run: async (items) => {
        sizes.push(items.length)
        const gate = Promise.withResolvers<void>()
        gates.push(gate)
        await gate.promise
        return items
      },
    })
    const first = [echo(1), echo(2)]
    await until(() => gates.length === 1)
    const late = echo(3)
    // Half of what the last one took is how long is waited at most: this is enough for those two.
    await new Promise((resolve) => setTimeout(resolve, 100))
    gates[0]?.resolve()
    await Promise.all(first)
    const again = [echo(1), echo(2)]
    await until(() => gates.length === 2)
    gates[1]?.resolve()
    await Promise.all([late, ...again])
    const last = echo(4)
    await until(() => gates.length === 3)
    gates[2]?.resolve()
    await last
    expect(sizes).toEqual([2, 3, 1])
  })

  it('tells every caller of a batch that failed, and goes on', async () => {
    let fails = true
    const echo = createBatcher<number, number>({
      maxSize: 10,
      run: async (items) => {
        if (fails) throw new Error('no')
        return items
      },
    })
    const results = await Promise.allSettled([echo(1), echo(2)])
    expect(results.map((one) => one.status)).toEqual(['rejected', 'rejected'])
    fails = false
    expect(await echo(3)).toBe(3)
  })
})
