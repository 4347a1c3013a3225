import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'

/** How many days ahead there is a place for entries, should this program not look for a while. */
const daysAhead = 7
/** Key of the advisory lock under which partitions come and go. */
const partitionLock = 0x5b0c_0002

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

/** Drops the days that are older than `retentionDays` whole days; cursors before what is left are expired from then on. */
export async function dropPartitions(transact: Transact, retentionDays: number): Promise<string[]> {
  return transact(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [partitionLock])
    const days = await tx.query<{ name: string }>(expiredDays, [retentionDays])
    for (const { name } of days) await dropDay(tx, name)
    return days.map(({ name }) => name)
  })
}

async function dropDay(tx: Sql, name: string): Promise<void> {
  await tx.script(
    `UPDATE journal_pruned SET (xid, seq) = (
       SELECT xid, seq FROM (
         SELECT xid, seq FROM journal_days.${name} UNION ALL SELECT xid, seq FROM journal_pruned
       ) AS known ORDER BY xid DESC, seq DESC LIMIT 1)`,
  )
  await tx.script(`DROP TABLE journal_days.${name}`)
}

const lastXid = 'SELECT coalesce(max(xid), 0) AS last, journal_xid() AS now FROM journal'

/**
 * Keeps positions growing when the database was restored into a cluster whose transaction counter is behind:
 * from then on the journal counts from where it had been.
 */
export async function continueCounting(transact: Transact): Promise<void> {
  await transact(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [partitionLock])
    const [row] = await tx.query<{ last: string; now: string }>(lastXid)
    const behind = BigInt(row?.last ?? 0) - BigInt(row?.now ?? 0)
    if (behind < 0n) return
    const [offset] = await tx.query<{ offset: string }>(
      'SELECT journal_xid() - pg_current_xact_id()::text::bigint AS offset',
    )
    const shift = BigInt(offset?.offset ?? 0) + behind + 1n
    await tx.script(shiftedFunction('journal_xid', 'pg_current_xact_id()', shift))
    await tx.script(shiftedFunction('journal_horizon', 'pg_snapshot_xmin(pg_current_snapshot())', shift))
  })
}

function shiftedFunction(name: string, reading: string, shift: bigint): string {
  return `CREATE OR REPLACE FUNCTION ${name}() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT ${reading}::text::bigint + ${shift} $$`
}
