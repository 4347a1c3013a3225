import { parseArgs } from 'node:util'
import { runFaults } from './run.ts'

/** `npm run test:faults -- --seconds 600 --seed 1`: prints what goes wrong and what was found; exit code 1 when anything was. */
const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } })
const seconds = Number(values.seconds ?? 600)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const report = (line: string) => process.stdout.write(`${line}\n`)

report(`${seconds} seconds with the seed ${seed}`)
const problems = await runFaults({ seconds, seed, report })
for (const problem of problems.slice(0, 50)) report(`PROBLEM  ${problem}`)
report(problems.length === 0 ? 'No problem was found.' : `${problems.length} problems; repeat with --seed ${seed}`)
process.exit(problems.length === 0 ? 0 : 1)
