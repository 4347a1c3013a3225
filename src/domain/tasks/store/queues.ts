import type { Priority } from '#domain/tasks/task.ts'
import type { Sql } from '#platform/database/sql.ts'

// By account, so that the index on account and status serves it also when all accounts are asked for.
const queueStatesSql = `
  SELECT open.priority, sum(open.waiting)::int AS waiting, sum(open.scheduled)::int AS scheduled,
         sum(open.active)::int AS active, max(open.oldest_wait_ms)::float8 AS "oldestWaitMs"
  FROM account CROSS JOIN LATERAL (
    SELECT priority, count(*) FILTER (WHERE status = 'PENDING' AND held IS DISTINCT FROM 'DEPENDENCY') AS waiting,
           count(*) FILTER (WHERE status = 'SCHEDULED' OR held = 'DEPENDENCY') AS scheduled,
           count(*) FILTER (WHERE status = 'ACTIVE') AS active,
           extract(epoch FROM now() - min(run_at) FILTER (WHERE status = 'PENDING' AND held IS DISTINCT FROM 'DEPENDENCY')) * 1000 AS oldest_wait_ms
    FROM task WHERE task.account_id = account.id AND status IN ('PENDING', 'SCHEDULED', 'ACTIVE') GROUP BY priority
  ) AS open
  WHERE $1::uuid IS NULL OR account.id = $1 GROUP BY open.priority`

export interface QueueState {
  readonly priority: Priority
  readonly waiting: number
  readonly scheduled: number
  readonly active: number
  readonly oldestWaitMs: number | null
}

/** How many tasks wait and run, by priority; of one account, or of all. */
export async function readQueueStates(sql: Sql, accountId: string | undefined): Promise<QueueState[]> {
  return sql.query(queueStatesSql, [accountId ?? null])
}

const recentFailuresSql = `
  SELECT priority, count(*)::int AS count FROM task
  WHERE finished_at > now() - interval '1 hour' AND status = 'FAILED' GROUP BY priority`

/** How many tasks of all accounts have failed in the last hour, by priority. */
export async function readRecentFailures(sql: Sql): Promise<Map<Priority, number>> {
  const rows = await sql.query<{ priority: Priority; count: number }>(recentFailuresSql)
  return new Map(rows.map((row) => [row.priority, row.count]))
}

const queueTimesSql = `
  SELECT priority,
         percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - run_at) * 1000) AS wait,
         percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at) * 1000) AS run
  FROM (
    SELECT priority, run_at, started_at, finished_at FROM task
    WHERE account_id = $1 AND status = 'COMPLETED' ORDER BY id DESC LIMIT 2000
  ) AS recent GROUP BY priority`

export interface QueueTimes {
  readonly priority: Priority
  readonly wait: readonly [number, number, number]
  readonly run: readonly [number, number, number]
}

/** p50, p95 and p99 of waiting and running among the account's last 2,000 completed tasks, in milliseconds. */
export async function readQueueTimes(sql: Sql, accountId: string): Promise<QueueTimes[]> {
  return sql.query(queueTimesSql, [accountId])
}
