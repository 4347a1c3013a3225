import { expect, it } from 'vitest'
import { halfOpen, lostTail } from './rounds.ts'
import { runFailovers } from './run.ts'

/** Two rounds; `npm run test:failover` has ten, of every kind. */
it('a failover and a switchover skip nothing silently, take no living task, and run nothing twice', async () => {
  const seed = Date.now() % 1_000_000
  const lines: string[] = []
  const problems = await runFailovers({
    kinds: [lostTail, halfOpen],
    seed,
    writers: 2,
    calmMs: 1_000,
    writesBackMs: 45_000,
    report: (line) => lines.push(line),
  })
  expect(problems, `seed ${seed}\n${lines.join('\n')}`).toEqual([])
}, 300_000)
