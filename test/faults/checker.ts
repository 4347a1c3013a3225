import { auditDifferences, verifyAudit } from '#test/support/audit.ts'
import type { ServerProcess } from '#test/support/process.ts'
import type { Receiver } from '#test/support/receiver.ts'
import { until } from '#test/support/until.ts'
import type { EventLog } from './event-log.ts'
import type { Stage } from './stage.ts'
import type { Ledger } from './workload.ts'

/** All that there is to compare once the disturbances are over. */
export interface Evidence {
  readonly stage: Stage
  readonly ledger: Ledger
  readonly log: EventLog
  readonly receiver: Receiver
}

/** Everything that is wrong, in sentences; none when all holds. Waits until the servers have caught up, within a bound. */
export async function findProblems(evidence: Evidence, patienceMs: number): Promise<string[]> {
  const problems = [...evidence.ledger.unexpected.map((text) => `unexpected answer: ${text}`)]
  await until(() => isQuiet(evidence), patienceMs).catch(() => {
    problems.push(`the servers have not caught up within ${patienceMs / 1000} seconds`)
  })
  for (const check of [checkTasks, checkDocuments, checkEntries, checkStream, checkDeliveries, checkAudit])
    problems.push(...(await check(evidence)))
  return problems
}

const streamed = `FROM journal WHERE type IN ('faults.one', 'task.submitted', 'task.completed', 'task.failed')
  OR type LIKE 'document.%' OR type LIKE 'entry.%'`

async function isQuiet({ stage, ledger, log, receiver }: Evidence): Promise<boolean> {
  const [row] = await stage.query<{ open: number; events: number; unaudited: number }>(`SELECT
    (SELECT count(*)::int FROM task WHERE status NOT IN ('COMPLETED', 'FAILED', 'CANCELLED')) AS open,
    (SELECT count(*)::int ${streamed}) AS events,
    (SELECT count(*)::int FROM (${unaudited}) AS differences) AS unaudited`)
  const delivered = new Set(receiver.received.map(({ body }) => keyIn(body)).filter((key) => key !== undefined))
  return (
    row?.open === 0 && row.unaudited === 0 && log.items.length >= row.events && delivered.size >= ledger.events.size
  )
}

async function checkTasks({ stage, ledger }: Evidence): Promise<string[]> {
  const rows = await stage.query<{ id: string; status: string; ends: number }>(
    `SELECT id, status, (SELECT count(*)::int FROM journal WHERE subject = 'task:' || task.id
       AND type IN ('task.completed', 'task.failed', 'task.cancelled')) AS ends FROM task`,
  )
  const byId = new Map(rows.map((row) => [row.id, row]))
  const problems = [...ledger.tasks].flatMap(([key, id]) => {
    const row = byId.get(id)
    if (row === undefined) return [`the accepted task ${id} (${key}) is gone`]
    return row.ends === 1 && row.status === 'COMPLETED'
      ? []
      : [`the accepted task ${id} is ${row.status} and has ended ${row.ends} times`]
  })
  if (rows.length !== ledger.tasks.size)
    problems.push(`${ledger.tasks.size} tasks were submitted, and there are ${rows.length}`)
  return problems
}

interface Version {
  readonly key: string
  readonly version: number
  readonly value: unknown
}

async function checkDocuments({ stage, ledger }: Evidence): Promise<string[]> {
  const rows = await stage.query<Version>(
    `SELECT key, version, data->>'name' AS value FROM document_history ORDER BY key, version`,
  )
  const current = await stage.query<Version>(`SELECT key, version, data->>'name' AS value FROM document`)
  const newest = new Map(rows.map((row) => [row.key, row]))
  return [
    ...checkVersions('document', rows, ledger.documents),
    ...current.flatMap(({ key, version, value }) =>
      newest.get(key)?.version === version && newest.get(key)?.value === value
        ? []
        : [`the document ${key} is not its newest version`],
    ),
  ]
}

async function checkEntries({ stage, ledger }: Evidence): Promise<string[]> {
  const rows = await stage.query<Version>(
    `SELECT key, version, value #>> '{}' AS value FROM entry_version ORDER BY key, version`,
  )
  const revisions = await stage.query<{ revision: string }>('SELECT revision FROM entry_version ORDER BY revision')
  const hasGap = revisions.some(({ revision }, index) => Number(revision) !== index + 1)
  return [
    ...checkVersions('entry', rows, ledger.entries),
    ...(hasGap ? ['the revisions of entries have a gap, or one twice'] : []),
  ]
}

function checkVersions(what: string, rows: readonly Version[], acknowledged: ReadonlyMap<string, unknown>): string[] {
  const known = new Map(rows.map(({ key, version, value }) => [`${key} ${version}`, value]))
  const problems = [...acknowledged].flatMap(([name, value]) =>
    known.get(name) === value
      ? []
      : [`the ${what} version ${name} was acknowledged as ${value}, and is ${known.get(name)}`],
  )
  for (const [key, versions] of Map.groupBy(rows, ({ key }) => key))
    if (versions.some(({ version }, index) => version !== index + 1)) problems.push(`the ${what} ${key} has a gap`)
  if (rows.length !== acknowledged.size)
    problems.push(`${acknowledged.size} ${what} versions were acknowledged, and there are ${rows.length}`)
  return problems
}

async function checkStream({ stage, log }: Evidence): Promise<string[]> {
  const rows = await stage.query<{ type: string; subject: string }>(
    `SELECT type, subject ${streamed} ORDER BY xid, seq`,
  )
  const problems = log.complaints.map((text) => `the stream said ${text}`)
  if (log.expirations > 0) problems.push('a cursor expired, though the journal has lost nothing')
  const at = rows.findIndex(
    ({ type, subject }, index) => log.items[index]?.type !== type || log.items[index]?.subject !== subject,
  )
  if (at !== -1)
    problems.push(
      `event ${at + 1} of the journal is ${rows[at]?.type} of ${rows[at]?.subject}, and of the stream ` +
        `${log.items[at]?.type} of ${log.items[at]?.subject}`,
    )
  if (rows.length !== log.items.length)
    problems.push(`the journal has ${rows.length} events, and ${log.items.length} were streamed`)
  return problems
}

async function checkDeliveries({ ledger, receiver }: Evidence): Promise<string[]> {
  const ids = Map.groupBy(
    receiver.received.filter(({ body }) => keyIn(body) !== undefined),
    ({ body }) => keyIn(body),
  )
  const problems = [...ledger.events.keys()]
    .filter((key) => !ids.has(key))
    .map((key) => `the event ${key} was not delivered`)
  for (const [key, deliveries] of ids)
    if (new Set(deliveries.map(({ headers }) => headers['webhook-id'])).size !== 1)
      problems.push(`the event ${key} was delivered with several ids`)
  return problems
}

function keyIn(body: string): string | undefined {
  return (JSON.parse(body || '{}') as { data?: { key?: string } }).data?.key
}

const unaudited = auditDifferences(
  `type IN ('faults.one', 'task.submitted') OR type LIKE 'document.%' OR type LIKE 'entry.%'`,
)

async function checkAudit({ stage }: Evidence): Promise<string[]> {
  const rows = await stage.query<{ type: string }>(unaudited)
  const { faults } = await verifyAudit(stage.servers[0] as ServerProcess)
  return [
    ...rows.map(({ type }) => `the audit log has not as many entries of ${type} as the journal`),
    ...faults.map(({ kind, seq, message }) => `the audit log is not intact: ${kind} at ${seq}: ${message}`),
  ]
}
