import type { DeliveryStatus } from '#domain/webhooks/webhook.ts'
import type { Sql } from '#platform/database/sql.ts'

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
  status = 'PENDING', due_at = now(), attempt_base = attempt, finished_at = NULL, worker_id = NULL, lease_until = NULL`

const reopenSql = `
  UPDATE delivery SET ${reopened}
  WHERE account_id = $1 AND id = ANY($2::uuid[]) AND webhook_id = $3 AND status NOT IN ('PENDING', 'ACTIVE') RETURNING id`

/** Lets these deliveries of a webhook be attempted again, from the beginning of its plan; returns how many are. */
export async function reopenDeliveries(
  tx: Sql,
  accountId: string,
  webhookId: string,
  ids: readonly string[],
): Promise<number> {
  return (await tx.query(reopenSql, [accountId, ids, webhookId])).length
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
