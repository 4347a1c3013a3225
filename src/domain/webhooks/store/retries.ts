import type { Sql } from '#platform/database/sql.ts'

/** A delivery that may be attempted again once its job is due. */
export interface WaitingDelivery {
  readonly accountId: string
  readonly id: string
  readonly jobId: string
  /** By the database's clock. */
  readonly dueAt: Date
}

const allowSql = `
  UPDATE delivery SET job_id = NULL, due_at = least(due_at, now())
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS job (account_id, delivery_id, id)
  WHERE delivery.account_id = job.account_id AND delivery.id = job.delivery_id AND delivery.job_id = job.id`

/** Lets deliveries be attempted now: the jobs that they wait for are due. */
export async function allowAttempts(
  tx: Sql,
  jobs: readonly { readonly accountId: string; readonly deliveryId: string; readonly jobId: string }[],
): Promise<void> {
  await tx.query(allowSql, [
    jobs.map(({ accountId }) => accountId),
    jobs.map(({ deliveryId }) => deliveryId),
    jobs.map(({ jobId }) => jobId),
  ])
}

const overdueSql = `
  SELECT account_id AS "accountId", id AS "deliveryId", job_id AS "jobId" FROM delivery
  WHERE status = 'PENDING' AND job_id IS NOT NULL AND due_at < now() - $1 * interval '1 millisecond'
  ORDER BY due_at LIMIT $2`

/** Deliveries whose job has been due for longer than this, the oldest first. */
export async function findOverdueRetries(
  sql: Sql,
  dueForMs: number,
  limit: number,
): Promise<{ readonly accountId: string; readonly deliveryId: string; readonly jobId: string }[]> {
  return sql.query(overdueSql, [dueForMs, limit])
}
