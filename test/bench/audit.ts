import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { auditLock } from '#domain/audit/store.ts'
import { until } from '#test/support/until.ts'
import { percentile, type Row, report } from './report.ts'
import { openStand, token } from './stand.ts'
import { countFor, openSubmitters } from './submissions.ts'

const turns = 5
const turnMs = 2_500

/**
 * What the audit log costs a submission, how fast it is written, and how far it stays behind. Its peer is the same server
 * while somebody else holds the log's lock, so that nothing is written to it.
 */
export async function benchAudit(): Promise<object> {
  const stand = await openStand()
  const url = await stand.createDatabase('audit')
  const server = await stand.startServer(url, { ROLES: 'api' })
  const database = new pg.Client({ connectionString: url })
  await database.connect()
  const submitters = openSubmitters(server.url)
  const lag = () => auditLag(server.url)
  const caughtUp = async () => {
    const startedAt = performance.now()
    const waiting = await countWaiting(database)
    await until(async () => (await lag()) === 0, 120_000)
    return (waiting * 1000) / (performance.now() - startedAt)
  }
  const held: number[] = []
  const written: number[] = []
  const rates: number[] = []
  const lags: number[] = []
  try {
    for (let turn = 0; turn <= turns; turn += 1) {
      await database.query('SELECT pg_advisory_lock($1)', [auditLock])
      // Asking how far it is behind costs something, so it is done in both turns.
      const [without] = await Promise.all([countFor(turnMs, submitters.submit), maxLag(lag, turnMs)])
      held.push(without)
      await database.query('SELECT pg_advisory_unlock($1)', [auditLock])
      rates.push(await caughtUp())
      const [rate, behind] = await Promise.all([countFor(turnMs, submitters.submit), maxLag(lag, turnMs)])
      written.push(rate)
      lags.push(behind)
      await caughtUp()
    }
  } finally {
    submitters.close()
    await database.end()
    await server.stop()
    await stand.close()
  }
  const median = (sample: readonly number[]) => percentile(sample.slice(1), 0.5)
  const [without, beside] = [median(held), median(written)]
  const submissions: Row[] = [
    { what: 'nobody writes the log', 'per second': without, share: '1.00' },
    { what: 'the log is written beside', 'per second': beside, share: (beside / without).toFixed(2) },
  ]
  const log: Row[] = [
    { what: 'entries a second, from a backlog', median: median(rates) },
    { what: 'seconds behind, at most in a turn of submissions', median: median(lags) },
  ]
  return {
    submissions: report('Single submissions a second, 64 at a time', submissions),
    log: report('The audit log', log),
  }
}

async function auditLag(url: string): Promise<number> {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  return Number(/^signalbox_audit_lag_seconds (.+)$/m.exec(await answer.text())?.[1] ?? Number.NaN)
}

async function maxLag(lag: () => Promise<number>, durationMs: number): Promise<number> {
  let longest = 0
  for (const until = performance.now() + durationMs; performance.now() < until; await sleep(250))
    longest = Math.max(longest, await lag())
  return longest
}

async function countWaiting(database: pg.Client): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    "SELECT (SELECT count(*) FROM journal WHERE type = 'task.submitted')::int - (SELECT count(*) FROM audit_entry WHERE type = 'task.submitted')::int AS count",
  )
  return rows[0]?.count ?? 0
}
