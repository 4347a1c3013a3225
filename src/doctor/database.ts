import type pg from 'pg'
import { findFaultyLogs } from '#domain/audit/chain-faults.ts'
import { readAuditLag } from '#domain/audit/projection.ts'
import { connectForStartup } from '#platform/database/connect.ts'
import { pendingMigrations } from '#platform/database/migrate.ts'
import { findOldestWriter, readWritersHorizon } from '#platform/journal/horizon.ts'
import { Seals } from '#platform/secrets/seals.ts'
import { lookForSecretKey } from '#platform/secrets/secret-key.ts'
import { auditFilter } from '#src/audit-filter.ts'
import type { Config } from '#src/config.ts'
import { auditSealPurpose } from '#src/encrypted-columns.ts'
import { examineCredentials, examineSecrets } from './access.ts'
import { examineDocuments } from './documents.ts'
import { check, type Finding, ok, problem, warning } from './finding.ts'
import { hasColumn, hasTable, sqlOf } from './sql.ts'

type Found = Promise<Omit<Finding, 'check'>>

const statementTimeoutMs = 4_000
/** A transaction that is open for so long holds back what happened since from everybody who waits for it. */
const longTransactionSeconds = 10
const veryLongTransactionSeconds = 60
/** A server that runs is less than this behind with the audit log. */
const usualAuditLagMs = 30_000
const smallSkewMs = 1_000
const largeSkewMs = 30_000

/** Looks at a database that should answer: whether it does, its migrations, clock, journal and connections. */
export async function examineDatabase(databaseUrl: string, config: Config): Promise<Finding[]> {
  let client: pg.Client | undefined
  try {
    const reached = await check('database', async () => {
      const startedAt = performance.now()
      client = await connectForStartup(databaseUrl, 'signalbox doctor')
      return ok(`${await versionOf(client)} answers, after ${Math.round(performance.now() - startedAt)} ms.`)
    })
    if (client === undefined || reached.status !== 'ok') return [reached]
    return [reached, ...(await examineConnected(client, databaseUrl, config))]
  } finally {
    // Not waited for: a database that has stopped answering doesn't answer to this either.
    client?.end().catch(() => undefined)
  }
}

async function examineConnected(client: pg.Client, databaseUrl: string, config: Config): Promise<Finding[]> {
  const migrations = await check('migrations', () => examineMigrations(databaseUrl))
  const clock = await check('clock', () => examineClock(client))
  const timeZone = await check('time zone', () => examineTimeZone(client))
  const journal = await check('journal', () => examineJournal(client))
  const audit = await check('audit log', () => examineAudit(client, config))
  const documents = await check('documents', () => examineDocuments(client))
  const connections = await check('connections', () => examineConnections(client, config.databasePool))
  const secrets = await check('secrets', () => examineSecrets(client, config))
  const credentials = await check('credentials', () => examineCredentials(client, config))
  return [migrations, clock, timeZone, journal, audit, documents, connections, secrets, credentials]
}

async function versionOf(client: pg.Client): Promise<string> {
  await client.query(`SET statement_timeout = ${statementTimeoutMs}`)
  const { rows } = await client.query<{ version: string }>(`SELECT current_setting('server_version') AS version`)
  return `PostgreSQL ${rows[0]?.version}`
}

async function examineMigrations(databaseUrl: string): Found {
  const { applied, pending, unknown } = await pendingMigrations({ databaseUrl })
  if (unknown.length > 0)
    return problem(
      `The database is newer than the program, which doesn't know ${unknown.join(', ')}.`,
      'Start the newer program, or restore a backup from before.',
    )
  if (pending.length > 0)
    return warning(
      `${pending.length} are still to be applied: ${pending.join(', ')}.`,
      'The next start does it, or `migrate`.',
    )
  return ok(`All ${applied.length} are applied.`)
}

/** Half of the round trip is taken as the way to the answer. */
async function examineClock(client: pg.Client): Found {
  const before = Date.now()
  const { rows } = await client.query<{ now: Date }>('SELECT clock_timestamp() AS now')
  const skewMs = (rows[0]?.now.getTime() ?? 0) - (before + Date.now()) / 2
  const text = `The database's clock is ${Math.abs(Math.round(skewMs))} ms ${skewMs < 0 ? 'behind' : 'ahead of'} this machine's`
  if (Math.abs(skewMs) > largeSkewMs) return problem(`${text}.`, 'Set both clocks by NTP.')
  return Math.abs(skewMs) > smallSkewMs ? warning(`${text}.`, 'Set both clocks by NTP.') : ok(`${text}.`)
}

/** A pooler between us and the database can lose what a connection has set. */
async function examineTimeZone(client: pg.Client): Found {
  const { rows } = await client.query<{ current: string; preset: string }>(
    `SELECT setting AS current, reset_val AS preset FROM pg_settings WHERE name = 'TimeZone'`,
  )
  const { current, preset } = rows[0] ?? {}
  if (current === 'UTC') return ok(`Connections use UTC; the database's own time zone is ${preset}.`)
  return problem(
    `Connections use ${current} although they set UTC, so times would be read wrong.`,
    "Connect to PostgreSQL itself or through a pooler in session mode, or set the database's time zone to UTC.",
  )
}

const heldEntries = `
  SELECT count(*)::int AS entries FROM journal
   WHERE xid >= $1 AND at < clock_timestamp() - make_interval(secs => $2)`

/** Entries of days that have not begun yet by the database's clock. */
const futureEntries = `
  SELECT count(*)::int AS entries FROM (
    SELECT FROM journal WHERE at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '1 day' LIMIT 10000
  ) AS future`

/** Readers of the journal stop below the oldest transaction that can write it. */
async function examineJournal(client: pg.Client): Found {
  if (!(await hasTable(client, 'journal_history'))) return ok('There is none yet.')
  const sql = sqlOf(client)
  const oldest = await findOldestWriter(sql)
  const held = await countEntries(client, heldEntries, [await readWritersHorizon(sql), longTransactionSeconds])
  if (oldest !== undefined && oldest.seconds > longTransactionSeconds) {
    const found = oldest.seconds > veryLongTransactionSeconds ? problem : warning
    return found(
      `Process ${oldest.pid} (${oldest.state}) has had a transaction open for ${oldest.seconds} seconds; ${held} entries wait for it.`,
      `End it: SELECT pg_terminate_backend(${oldest.pid}).`,
    )
  }
  const future = await countEntries(client, futureEntries, [])
  if (future > 0)
    return warning(
      `${future} entries are dated after today: the database's clock was ahead when they were written.`,
      'Nothing is lost; they are kept until their date is as old as the others’ is when they are deleted.',
    )
  return ok('Nothing holds it back.')
}

async function countEntries(client: pg.Client, text: string, values: unknown[]): Promise<number> {
  return (await client.query<{ entries: number }>(text, values)).rows[0]?.entries ?? 0
}

/** Whether what is done gets into the audit log, and logs are as this installation left them, as far as their ends say. */
async function examineAudit(client: pg.Client, config: Config): Found {
  if (!(await hasTable(client, 'audit_entry'))) return ok('There is none yet.')
  const key = await lookForSecretKey(config.secretKey, config.dataDir)
  const seals = key && new Seals(auditSealPurpose, key, config.previousSecretKeys)
  const isCurrent = await hasColumn(client, 'audit_chain', 'broken_seq')
  const [faulty] = seals && isCurrent ? await findFaultyLogs(sqlOf(client), seals) : []
  if (faulty !== undefined)
    return problem(
      `The log of the account ${faulty.account} is not as it was written: ${faulty.fault.message}`,
      'See `audit verify`, and find out who has access to the database.',
    )
  const { waiting, ageMs } = await readAuditLag(sqlOf(client), auditFilter)
  if (waiting === 0) return ok('It is complete.')
  if (ageMs <= usualAuditLagMs) return ok(`It is complete but for ${waiting} recent entries.`)
  return warning(
    `What was done ${Math.round(ageMs / 1000)} seconds ago is not in it yet; ${waiting} entries wait.`,
    'It is written while a server runs, and nothing holds the journal back. If one does, its log says why.',
  )
}

const connectionUse = `
  SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true)::int, 0) AS usable,
         (SELECT sum(numbackends)::int FROM pg_stat_database) AS used,
         (SELECT count(*)::int FROM pg_stat_activity WHERE application_name IN ('signalbox', 'signalbox session')) AS own`

/** Whether the pool can grow to its full size beside what is connected already. */
async function examineConnections(client: pg.Client, poolSize: number): Found {
  const { rows } = await client.query<{ usable: number; used: number; own: number }>(connectionUse)
  const { usable, used, own } = rows[0] ?? { usable: 0, used: 0, own: 0 }
  // The pool, and the session that listens.
  const wanted = Math.max(0, poolSize + 1 - own)
  const text = `${used} of ${usable} are in use, ${own} by Signalbox; a process takes up to ${poolSize + 1}`
  if (usable - used >= wanted) return ok(`${text}.`)
  return warning(`${text}: too few are left.`, 'Lower DATABASE_POOL, or raise max_connections of the database.')
}
