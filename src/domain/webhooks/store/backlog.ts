import type { Sql } from '#platform/database/sql.ts'

/** A larger backlog is reported as this, so that reading it stays cheap. */
const maxCounted = 100_000

// Each part reads a partial index that has only what waits or is under way.
const backlogSql = `
  WITH pending AS (
    SELECT due_at FROM delivery JOIN webhook ON webhook.account_id = delivery.account_id AND webhook.id = delivery.webhook_id
    WHERE delivery.status = 'PENDING' AND webhook.status = 'ACTIVE' AND webhook.deleted_at IS NULL LIMIT ${maxCounted}
  ), active AS (
    SELECT 1 FROM delivery WHERE status = 'ACTIVE' LIMIT ${maxCounted}
  )
  SELECT count(*) FILTER (WHERE due_at <= now())::int AS due, count(*) FILTER (WHERE due_at > now())::int AS scheduled,
    (SELECT count(*)::int FROM active) AS active,
    coalesce(extract(epoch FROM now() - min(due_at) FILTER (WHERE due_at <= now())), 0)::float8 AS "oldestSeconds"
  FROM pending`

/** Deliveries of all accounts to active webhooks that wait for an attempt or are being attempted. */
export async function readBacklog(
  sql: Sql,
): Promise<{ due: number; scheduled: number; active: number; oldestSeconds: number }> {
  const [row] = await sql.query<{ due: number; scheduled: number; active: number; oldestSeconds: number }>(backlogSql)
  return row ?? { due: 0, scheduled: 0, active: 0, oldestSeconds: 0 }
}
