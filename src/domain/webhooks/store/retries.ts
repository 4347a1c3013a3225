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
