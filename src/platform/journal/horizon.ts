import type { Sql } from '#platform/database/sql.ts'

/** Key of the advisory lock that every connection holds, shared, whose transactions may write the journal. */
const journalWriterLock = 0x5b0c_0006

/** Says that transactions on this connection may write the journal, for as long as it is open. */
export const holdWriterLockSql = `SELECT pg_advisory_lock_shared(${journalWriterLock})`

/**
 * Transactions now that can write this database's journal, by the connections that hold the lock; `xid` is the lowest id
 * that one of them has. A connection that has no id yet gets a higher one than all that are known.
 */
const writersSql = `
  SELECT pid, min(transactionid::text::bigint) AS xid FROM pg_locks
  WHERE (locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND classid = 0 AND objid = ${journalWriterLock} AND objsubid = 1 AND granted)
    OR (locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted)
  GROUP BY pid HAVING bool_or(locktype = 'advisory') AND bool_or(locktype = 'transactionid')`

/** Of two ids that are less than 2^31 apart one is short of its upper half: the whole of it. */
const wholeXid = `((xmax - ((((xmax & 4294967295) - xid) + 6442450944) & 4294967295) + 2147483648))`

// The ids that are running are looked at after xmax was taken: a transaction that had a lower one and is gone had committed, and is
// seen by the next statement.
const horizonSql = `
  SELECT (journal_history_number() << 44) + least(xmax, (SELECT min(${wholeXid}) FROM (${writersSql}) AS writer)) AS horizon
  FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xmax) AS snapshot`

/**
 * Below this, the order of the journal is final for every **later** statement. Unlike journal_horizon() it doesn't stop at
 * transactions that can't write this journal, such as those of other databases of the cluster; it reads the whole lock
 * table, so it is for when the other one stands still.
 */
export async function readWritersHorizon(sql: Pick<Sql, 'query'>): Promise<bigint> {
  const [row] = await sql.query<{ horizon: string }>(horizonSql)
  return BigInt(row?.horizon ?? 0)
}

/** A transaction that readers of the journal wait for. */
export interface OpenWriter {
  readonly pid: number
  readonly seconds: number
  readonly state: string
}

const oldestWriterSql = `
  SELECT writer.pid, coalesce(extract(epoch FROM clock_timestamp() - activity.xact_start), 0)::int AS seconds,
    coalesce(activity.state, 'unknown') AS state
  FROM (${writersSql}) AS writer JOIN pg_stat_activity AS activity ON activity.pid = writer.pid
  ORDER BY activity.xact_start NULLS FIRST LIMIT 1`

/** The transaction that can write the journal and has been open for longest. */
export async function findOldestWriter(sql: Pick<Sql, 'query'>): Promise<OpenWriter | undefined> {
  return (await sql.query<OpenWriter>(oldestWriterSql))[0]
}
