import { parseArgs } from 'node:util'
import { createRandom } from '#test/support/random.ts'
import { chooseRounds } from './rounds.ts'
import { runFailovers } from './run.ts'

/** `npm run test:failover -- --rounds 10 --seed 1`: prints a table and what was found; exit code 1 when anything was. */
const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' } } })
const rounds = Number(values.rounds ?? 10)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const report = (line: string) => process.stdout.write(`${line}\n`)

report(`${rounds} rounds with the seed ${seed}`)
const kinds = chooseRounds(rounds, createRandom(seed))
const problems = await runFailovers({ kinds, seed, writers: 4, calmMs: 6_000, writesBackMs: 10_000, report })
for (const problem of problems.slice(0, 50)) report(`PROBLEM  ${problem}`)
report(problems.length === 0 ? 'No problem was found.' : `${problems.length} problems; repeat with --seed ${seed}`)
process.exit(problems.length === 0 ? 0 : 1)
