import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import { comparePositions, type Position } from './entry.ts'
import { type PositionRow, toPosition } from './store.ts'

/** How many days ahead there is a place for entries, should this program not look for a while. */
const daysAhead = 7
/** Key of the advisory lock under which partitions come and go. */
export const partitionLock = 0x5b0c_0002

const missingDays = `
  SELECT to_char(day, 'YYYYMMDD') AS name, to_char(day, 'YYYY-MM-DD') AS day, to_char(day + interval '1 day', 'YYYY-MM-DD') AS next
  FROM generate_series(date_trunc('day', now() AT TIME ZONE 'UTC'), (now() AT TIME ZONE 'UTC') + $1 * interval '1 day', '1 day') AS day
  WHERE to_regclass('journal_days.d' || to_char(day, 'YYYYMMDD')) IS NULL`

/** Makes a partition for today (UTC) and each of the next days; harmless to repeat. */
export async function addPartitions(sql: Sql, transact: Transact): Promise<void> {
  const missing = await sql.query(missingDays, [daysAhead])
  if (missing.length > 0) await transact(addMissing)
}

async function addMissing(tx: Sql): Promise<void> {
  // Several processes may notice at the same time; one makes them, the others then find nothing missing.
  await tx.query('SELECT pg_advisory_xact_lock($1)', [partitionLock])
  const days = await tx.query<{ name: string; day: string; next: string }>(missingDays, [daysAhead])
  for (const { name, day, next } of days) {
    await tx.script(
      `CREATE TABLE IF NOT EXISTS journal_days.d${name} PARTITION OF journal
       FOR VALUES FROM ('${day} 00:00:00+00') TO ('${next} 00:00:00+00')`,
    )
  }
}

const expiredDays = `
  SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'journal_days' AND c.relkind = 'r'
    AND c.relname < 'd' || to_char((now() AT TIME ZONE 'UTC') - $1 * interval '1 day', 'YYYYMMDD')
  ORDER BY c.relname`

/**
 * Drops the days that are older than `retentionDays` whole days, but for those with entries behind `read`, which somebody
 * has still to read. Cursors before what is left are expired from then on.
 */
export async function dropPartitions(transact: Transact, retentionDays: number, read: Position): Promise<string[]> {
  return transact(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [partitionLock])
    const days = await tx.query<{ name: string }>(expiredDays, [retentionDays])
    const dropped: string[] = []
    for (const { name } of days) if (await dropDay(tx, name, read)) dropped.push(name)
    return dropped
  })
}

// Includes days that never had a partition, as after the clock was set.
const forgetUsage = `
  DELETE FROM journal_usage
  WHERE 'd' || to_char(day, 'YYYYMMDD') <= $1 AND to_regclass('journal_days.d' || to_char(day, 'YYYYMMDD')) IS NULL`

async function dropDay(tx: Sql, name: string, read: Position): Promise<boolean> {
  const [last] = await tx.query<PositionRow>(
    `SELECT xid, seq FROM journal_days.${name} ORDER BY xid DESC, seq DESC LIMIT 1`,
  )
  if (last !== undefined && comparePositions(toPosition(last), read) > 0) return false
  await tx.script(
    `UPDATE journal_pruned SET (xid, seq) = (
       SELECT xid, seq FROM (
         SELECT xid, seq FROM journal_days.${name} UNION ALL SELECT xid, seq FROM journal_pruned
       ) AS known ORDER BY xid DESC, seq DESC LIMIT 1)`,
  )
  await tx.script(`DROP TABLE journal_days.${name}`)
  await tx.query(forgetUsage, [name])
  return true
}

/** Whether a write failed because no partition takes its time: the database's clock was set, or nobody looked for days. */
export function isMissingPartition(error: unknown): boolean {
  const { code, table, constraint } = error as { code?: string; table?: string; constraint?: string }
  return code === '23514' && table === 'journal' && constraint === undefined
}
