import { describe, expect, it } from 'vitest'
import { FairQueue } from '#lib/fair-queue.ts'

/** Work that ends on demand and records when it begins. */
function createWork(begun: string[]) {
  const ends: (() => void)[] = []
  const work = (name: string) => async () => {
    begun.push(name)
    await new Promise<void>((resolve) => ends.push(resolve))
    return name
  }
  /** Ends the oldest that is under way, and lets what follows begin. */
  const endNext = async () => {
    ends.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { work, endNext }
}

describe('a fair queue', () => {
  it('does so much at once, and gives each party its turn', async () => {
    const begun: string[] = []
    const { work, endNext } = createWork(begun)
    const queue = new FairQueue(2)
    const all = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2'].map((name) => queue.run(name.charAt(0), work(name)))
    await endNext()
    for (let left = all.length; left > 0; left -= 1) await endNext()
    expect(begun).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'b2'])
    expect(await Promise.all(all)).toHaveLength(7)
  })

  it('goes on after work that has failed', async () => {
    const queue = new FairQueue(1)
    const failing = queue.run('a', async () => {
      throw new Error('failed')
    })
    await expect(Promise.all([failing, queue.run('a', async () => 1)])).rejects.toThrow('failed')
    expect(await queue.run('b', async () => 2)).toBe(2)
  })
})
