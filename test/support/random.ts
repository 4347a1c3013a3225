/** Numbers that follow from a seed, the same each time. */
export interface Random {
  /** At least 0, below `limit`. */
  below(limit: number): number
  pick<Item>(items: readonly Item[]): Item
  /** The same items in another order. */
  shuffle<Item>(items: readonly Item[]): Item[]
}

/** The generator mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    below,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    shuffle<Item>(items: readonly Item[]) {
      const rest = [...items]
      return items.map(() => rest.splice(below(rest.length), 1)[0] as Item)
    },
  }
}
