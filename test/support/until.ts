import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again until the answer is neither undefined nor false; fails after `limitMs`. */
export async function until<T>(ask: () => T | Promise<T>, limitMs = 15_000): Promise<Exclude<T, undefined | false>> {
  const deadline = Date.now() + limitMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>
    if (Date.now() > deadline) throw new Error(`Not within ${limitMs} ms: ${ask.toString()}`)
    await sleep(20)
  }
}
