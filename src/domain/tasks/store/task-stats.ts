import type { Backlog, EndedStats, StatsBucket, StatsSelection } from '#domain/tasks/stats.ts'
import type { Sql } from '#platform/database/sql.ts'

// Status by status, so that the index on account and status serves it.
const backlogSql = `
  SELECT count(*) FILTER (WHERE status = 'PENDING')::int AS waiting,
         count(*) FILTER (WHERE status = 'SCHEDULED')::int AS scheduled,
         count(*) FILTER (WHERE status = 'ACTIVE')::int AS active,
         (extract(epoch FROM now() - min(run_at) FILTER (WHERE status = 'PENDING')) * 1000)::float8 AS "oldestWaitMs"
  FROM task WHERE account_id = $1 AND status IN ('PENDING', 'SCHEDULED', 'ACTIVE')
    AND ($2::text IS NULL OR type = $2) AND ($3::priority IS NULL OR priority = $3)`

/** What waits and runs now. */
export async function readBacklog(sql: Sql, { accountId, type, priority }: StatsSelection): Promise<Backlog> {
  const [row] = await sql.query<Backlog>(backlogSql, [accountId, type ?? null, priority ?? null])
  return row as Backlog
}

const percentiles = (from: string, to: string) =>
  `percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM ${to} - ${from}) * 1000)
     FILTER (WHERE started_at IS NOT NULL)`

// One pass over the tasks that ended in the time; the row without a bucket is all of them.
const endedSql = `
  SELECT ended.bucket, count(*) FILTER (WHERE status = 'COMPLETED')::int AS completed,
         count(*) FILTER (WHERE status = 'FAILED')::int AS failed,
         count(*) FILTER (WHERE status = 'CANCELLED')::int AS cancelled,
         ${percentiles('run_at', 'started_at')} AS wait, ${percentiles('started_at', 'finished_at')} AS run
  FROM (
    SELECT status, run_at, started_at, finished_at,
           floor(extract(epoch FROM finished_at - $2::timestamptz) * 1000 / $4)::int AS bucket
    FROM task WHERE finished_at >= $2 AND finished_at < $3 AND account_id = $1
      AND ($5::text IS NULL OR type = $5) AND ($6::priority IS NULL OR priority = $6)
    ORDER BY finished_at DESC LIMIT $7
  ) AS ended GROUP BY GROUPING SETS ((), (ended.bucket)) ORDER BY ended.bucket NULLS FIRST`

/** How up to `limit` tasks that ended in the time, the latest of them, waited, ran and ended: in all, and by buckets. */
export async function readEnded(
  sql: Sql,
  { accountId, type, priority }: StatsSelection,
  time: { readonly from: Date; readonly to: Date; readonly bucketMs: number },
  limit: number,
): Promise<EndedStats> {
  type Row = Omit<StatsBucket, 'from'> & { readonly bucket: number | null }
  const { from, to, bucketMs } = time
  const values = [accountId, from, to, bucketMs, type ?? null, priority ?? null, limit]
  const rows = await sql.query<Row>(endedSql, values)
  const [all, ...others] = rows as [Row, ...Row[]]
  const byBucket = new Map(others.map((row) => [row.bucket, row]))
  const count = Math.ceil((to.getTime() - from.getTime()) / bucketMs)
  const buckets = Array.from({ length: count }, (_, index) => {
    const { completed = 0, failed = 0, cancelled = 0, wait = null, run = null } = byBucket.get(index) ?? {}
    return { from: new Date(from.getTime() + index * bucketMs), completed, failed, cancelled, wait, run }
  })
  const { completed, failed, cancelled, wait, run } = all
  return { completed, failed, cancelled, wait, run, buckets }
}
