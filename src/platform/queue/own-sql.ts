import type pg from 'pg'
import type { Sql } from '#platform/database/sql.ts'

/**
 * All SQL of ours that touches pg-boss's tables, where its own functions cost too much. A test compares what stands here
 * with the installed version of pg-boss: an upgrade that changes these tables fails it.
 */

/** The version of pg-boss's schema that this file was written for. */
export const knownSchemaVersion = 46

/** A queue's own table: a partition, whose statistics are those of this queue alone. */
export interface QueueTable {
  readonly name: string
  readonly table: string
}

export interface ClaimedJob {
  readonly id: string
  readonly data: unknown
  readonly turn: number
}

/**
 * Takes up to `limit` due jobs, highest priority and oldest first: they are gone when the transaction commits, and nobody
 * waits for them. pg-boss's `fetch` and `deleteJob` would write each job twice.
 */
export function claimJobs(sql: Sql, { name, table }: QueueTable, limit: number): Promise<ClaimedJob[]> {
  return sql.query(claimSql(table), [name, limit])
}

// Rows are deleted by their place, for which the planner needs no statistics: a queue fills and empties within seconds, so
// they are never true. By `clock_timestamp()`, since a job may have been sent after the transaction began.
const claimSql = (table: string) => `
  WITH next AS MATERIALIZED (
    SELECT ctid FROM pgboss.${table}
    WHERE name = $1 AND state < 'active' AND NOT blocked AND start_after <= clock_timestamp()
    ORDER BY priority DESC, created_on LIMIT $2 FOR UPDATE SKIP LOCKED
  ), taken AS (
    DELETE FROM pgboss.${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM next))
    RETURNING id, data, priority, created_on
  )
  SELECT id, data, -priority AS turn FROM taken ORDER BY priority DESC, created_on`

const waitsSql = (table: string) => `
  SELECT extract(epoch FROM clock_timestamp() - greatest(created_on, start_after))::float8 * 1000 AS "waitMs"
  FROM pgboss.${table}
  WHERE name = $1 AND state < 'active' AND NOT blocked AND start_after <= clock_timestamp()
  ORDER BY priority DESC, created_on LIMIT $2`

/** For how long each of up to `limit` due jobs has been due, in milliseconds, in the order in which they are claimed. */
export async function readWaits(sql: Sql, { name, table }: QueueTable, limit: number): Promise<number[]> {
  return (await sql.query<{ waitMs: number }>(waitsSql(table), [name, limit])).map(({ waitMs }) => waitMs)
}

const hasDueSql = (table: string) => `
  SELECT EXISTS (
    SELECT FROM pgboss.${table} WHERE name = $1 AND state < 'active' AND NOT blocked AND start_after <= clock_timestamp()
  ) AS "hasDue"`

/** Whether a job of the queue is due. */
export async function hasDueJobs(sql: Sql, { name, table }: QueueTable): Promise<boolean> {
  const [row] = await sql.query<{ hasDue: boolean }>(hasDueSql(table), [name])
  return row?.hasDue ?? false
}

const countBeforeSql = (table: string) => `
  SELECT (
    SELECT count(*)::int FROM (
      SELECT FROM pgboss.${table}
      WHERE name = $1 AND state < 'active' AND NOT blocked AND start_after <= clock_timestamp()
        AND (priority > own.priority OR priority = own.priority AND created_on < own.created_on)
      LIMIT $3
    ) AS before
  ) AS count
  FROM pgboss.${table} AS own WHERE name = $1 AND id = $2 AND state < 'active'`

/** How many due jobs would be claimed before this one, at most `limit`; undefined when it does not wait. */
export async function countJobsBefore(
  sql: Sql,
  { name, table }: QueueTable,
  id: string,
  limit: number,
): Promise<number | undefined> {
  const [row] = await sql.query<{ count: number }>(countBeforeSql(table), [name, id, limit])
  return row?.count
}

/** Adds so much to the turns of all waiting jobs, none of which becomes less than 0. */
export async function shiftTurns(sql: Sql, { name, table }: QueueTable, by: number): Promise<void> {
  await sql.query(
    `UPDATE pgboss.${table} SET priority = least(0, priority - $2::int) WHERE name = $1 AND state < 'active'`,
    [name, by],
  )
}

const missingSql = (table: string) => `
  SELECT wanted.id FROM unnest($2::uuid[]) AS wanted (id)
  WHERE NOT EXISTS (SELECT 1 FROM pgboss.${table} WHERE name = $1 AND id = wanted.id AND state < 'active')`

/** Which of these jobs are not waiting in the queue. */
export async function findMissingJobs(
  sql: Sql,
  { name, table }: QueueTable,
  ids: readonly string[],
): Promise<Set<string>> {
  const rows = await sql.query<{ id: string }>(missingSql(table), [name, ids])
  return new Set(rows.map(({ id }) => id))
}

/**
 * Moves a queue with its waiting jobs out of the table that pg-boss's queues share by default, where it has been since an
 * older version, to one of its own. Nobody may send or claim meanwhile.
 */
export async function moveToOwnTable(pool: pg.Pool, name: string, options: object): Promise<void> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('BEGIN')
    await client.query('LOCK TABLE pgboss.queue, pgboss.job_common IN ACCESS EXCLUSIVE MODE')
    const { rows } = await client.query('SELECT 1 FROM pgboss.queue WHERE name = $1 AND NOT partition', [name])
    // Otherwise another process has done it meanwhile.
    if (rows.length > 0) {
      await client.query(
        `CREATE TEMPORARY TABLE moved_jobs ON COMMIT DROP AS SELECT * FROM pgboss.job WHERE name = '${name}' AND state < 'active'`,
      )
      await client.query('SELECT pgboss.delete_queue($1)', [name])
      await client.query('SELECT pgboss.create_queue($1, $2)', [name, { policy: 'standard', ...options }])
      await client.query('INSERT INTO pgboss.job SELECT * FROM moved_jobs')
    }
    await client.query('COMMIT')
  } catch (error) {
    broken = await client.query('ROLLBACK').then(
      () => undefined,
      (fault: Error) => fault,
    )
    throw error
  } finally {
    client.release(broken)
  }
}
