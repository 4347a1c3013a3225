import { parseArgs } from 'node:util'
import pg from 'pg'
import { createCluster } from '#test/support/cluster.ts'
import { databaseUrl } from '#test/support/database-url.ts'
import { runOnce } from '#test/support/template.ts'
import { runHostile } from './run.ts'

/**
 * `npm run test:hostile -- --per-place 25 --seed 1`: prints what goes wrong; exit code 1 when anything did. `all` values
 * for each place are some 300,000 requests.
 */
const { values } = parseArgs({ options: { 'per-place': { type: 'string' }, seed: { type: 'string' } } })
const perPlace = values['per-place'] === 'all' ? undefined : Number(values['per-place'] ?? 25)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const report = (line: string) => process.stdout.write(`${line}\n`)

report(`with the seed ${seed}`)
const cluster = await createCluster()
try {
  await cluster.start()
  await runOnce(cluster.url, 'CREATE DATABASE hostile')
  const pool = new pg.Pool({ connectionString: databaseUrl(cluster.url, 'hostile'), max: 2 })
  const database = {
    url: databaseUrl(cluster.url, 'hostile'),
    query: async <Row>(text: string, given?: unknown[]) => (await pool.query(text, given)).rows as Row[],
    drop: () => pool.end(),
  }
  const problems = await runHostile({ database, seed, perPlace, report })
  for (const problem of problems) report(`PROBLEM  ${problem}`)
  await database.drop()
  process.exitCode = problems.length === 0 ? 0 : 1
} finally {
  await cluster.remove()
}
