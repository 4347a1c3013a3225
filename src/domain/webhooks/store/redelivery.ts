import type { DeliveryStatus } from '#domain/webhooks/webhook.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { WaitingDelivery } from './retries.ts'

export interface DeliveryRow {
  readonly id: string
  readonly webhookId: string
  readonly status: DeliveryStatus
  readonly xid: string
  readonly seq: string
  readonly at: Date
}

const lockSql = `
  SELECT id, webhook_id AS "webhookId", status, event_xid AS xid, event_seq AS seq, event_at AS at
  FROM delivery WHERE account_id = $1 AND id = $2 FOR UPDATE`

export async function lockDelivery(tx: Sql, accountId: string, id: string): Promise<DeliveryRow | undefined> {
  return (await tx.query<DeliveryRow>(lockSql, [accountId, id]))[0]
}

const reopened = `
  status = 'PENDING', due_at = now(), job_id = reopened.job_id, attempt_base = attempt, finished_at = NULL, worker_id = NULL, lease_until = NULL`

const reopenSql = `
  UPDATE delivery SET ${reopened}
  FROM unnest($2::uuid[], $4::uuid[]) AS reopened (id, job_id)
  WHERE delivery.account_id = $1 AND delivery.id = reopened.id AND webhook_id = $3 AND status NOT IN ('PENDING', 'ACTIVE')
  RETURNING delivery.account_id AS "accountId", delivery.id, delivery.job_id AS "jobId", delivery.due_at AS "dueAt"`

/**
 * Lets these deliveries of a webhook be attempted again once the jobs are taken, from the beginning of its plan; returns
 * those that are.
 */
export async function reopenDeliveries(
  tx: Sql,
  accountId: string,
  webhookId: string,
  jobs: readonly { readonly deliveryId: string; readonly jobId: string }[],
): Promise<WaitingDelivery[]> {
  const deliveryIds = jobs.map(({ deliveryId }) => deliveryId)
  return tx.query(reopenSql, [accountId, deliveryIds, webhookId, jobs.map(({ jobId }) => jobId)])
}

const failedSql = `
  SELECT id FROM delivery
  WHERE account_id = $1 AND webhook_id = $2 AND id > $3 AND status = 'FAILED' AND created_at >= $4
  ORDER BY id LIMIT $5`

/** Failed deliveries of a webhook behind an id, in the order of their events. */
export async function findFailed(
  sql: Sql,
  accountId: string,
  webhookId: string,
  { after, since, limit }: { readonly after: string; readonly since: Date; readonly limit: number },
): Promise<string[]> {
  return (await sql.query<{ id: string }>(failedSql, [accountId, webhookId, after, since, limit])).map(({ id }) => id)
}
