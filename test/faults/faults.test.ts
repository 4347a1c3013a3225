import { expect, it } from 'vitest'
import { runFaults } from './run.ts'

/** A round of every disturbance; `npm run test:faults` takes ten minutes. */
it('whatever goes wrong, nothing that was acknowledged is lost, doubled, or out of order', async () => {
  const seed = Date.now() % 1_000_000
  const lines: string[] = []
  const problems = await runFaults({ seconds: 20, seed, report: (line) => lines.push(line) })
  expect(problems, `seed ${seed}\n${lines.join('\n')}`).toEqual([])
}, 300_000)
