import type { ClaimedDelivery } from '#domain/webhooks/delivery.ts'
import type { WebhookOrder } from '#domain/webhooks/webhook.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import { leaseSeconds } from './deliveries.ts'

const claimed = `
  UPDATE delivery SET status = 'ACTIVE', worker_id = $3, lease_until = now() + ${leaseSeconds} * interval '1 second'
  FROM due WHERE delivery.account_id = due.account_id AND delivery.id = due.id AND delivery.status = 'PENDING'
  RETURNING delivery.account_id AS "accountId", delivery.id, delivery.webhook_id AS "webhookId",
    delivery.event_xid AS "eventXid", delivery.event_seq AS "eventSeq", delivery.event_at AS "eventAt",
    delivery.attempt, delivery.attempt_base AS "attemptBase"`

const claimSql = `
  WITH due AS MATERIALIZED (
    SELECT one.account_id, one.id FROM unnest($1::uuid[], $2::int[]) AS webhook (id, room), LATERAL (
      SELECT account_id, id FROM delivery
      WHERE webhook_id = webhook.id AND status = 'PENDING' AND job_id IS NULL AND due_at <= now()
      ORDER BY due_at LIMIT webhook.room FOR UPDATE SKIP LOCKED) AS one
  ) ${claimed}`

/** So many that are due are looked through for those that are looked for. */
const nearby = 1_000

// Made before the webhook was told to keep an order: they have none.
const claimUnorderedSql = `
  WITH due AS MATERIALIZED (
    SELECT delivery.account_id, delivery.id FROM unnest($1::uuid[], $2::int[]) AS webhook (id, room), LATERAL (
      SELECT near.account_id, near.id FROM (
        SELECT account_id, id, order_key FROM delivery
        WHERE webhook_id = webhook.id AND status = 'PENDING' AND job_id IS NULL AND due_at <= now() ORDER BY due_at LIMIT ${nearby}) AS near
      WHERE order_key IS NULL LIMIT webhook.room) AS one
    JOIN delivery USING (account_id, id)
    WHERE delivery.status = 'PENDING' FOR UPDATE OF delivery SKIP LOCKED
  ) ${claimed}`

// Of the oldest, those that are the first of their subject: enough, unless much waits behind subjects that stand still.
const claimNearbyFirstSql = `
  WITH due AS MATERIALIZED (
    SELECT delivery.account_id, delivery.id FROM unnest($1::uuid[], $2::int[]) AS webhook (id, room), LATERAL (
      SELECT near.account_id, near.id FROM (
        SELECT account_id, id, order_key FROM delivery
        WHERE webhook_id = webhook.id AND status = 'PENDING' AND job_id IS NULL AND due_at <= now() ORDER BY due_at LIMIT ${nearby}) AS near,
      LATERAL (
        SELECT id FROM delivery
        WHERE webhook_id = webhook.id AND order_key = near.order_key AND order_key IS NOT NULL
          AND status IN ('PENDING', 'ACTIVE')
        ORDER BY event_xid, event_seq LIMIT 1) AS first
      WHERE first.id = near.id LIMIT webhook.room) AS one
    JOIN delivery USING (account_id, id)
    WHERE delivery.status = 'PENDING' FOR UPDATE OF delivery SKIP LOCKED
  ) ${claimed}`

// The first of each subject, where more is due than was looked through: one probe for each subject, however much waits
// behind its first.
const claimFirstSql = `
  WITH RECURSIVE crowded AS MATERIALIZED (
    SELECT webhook.id, webhook.room FROM unnest($1::uuid[], $2::int[]) AS webhook (id, room)
    WHERE EXISTS (
      SELECT 1 FROM delivery WHERE webhook_id = webhook.id AND status = 'PENDING' AND job_id IS NULL AND due_at <= now()
      ORDER BY due_at OFFSET ${nearby - 1} LIMIT 1)
  ), first AS (
    SELECT webhook.id AS webhook_id, webhook.room, one.* FROM crowded AS webhook, LATERAL (
      SELECT account_id, id, order_key, status, due_at, job_id FROM delivery
      WHERE webhook_id = webhook.id AND order_key IS NOT NULL AND status IN ('PENDING', 'ACTIVE')
      ORDER BY order_key, event_xid, event_seq LIMIT 1) AS one
    UNION ALL
    SELECT first.webhook_id, first.room, next.* FROM first, LATERAL (
      SELECT account_id, id, order_key, status, due_at, job_id FROM delivery
      WHERE webhook_id = first.webhook_id AND order_key > first.order_key AND order_key IS NOT NULL
        AND status IN ('PENDING', 'ACTIVE')
      ORDER BY order_key, event_xid, event_seq LIMIT 1) AS next
  ), ranked AS (
    SELECT account_id, id, row_number() OVER (PARTITION BY webhook_id ORDER BY due_at) AS rank, room
    FROM first WHERE status = 'PENDING' AND job_id IS NULL AND due_at <= now()
  ), due AS MATERIALIZED (
    SELECT delivery.account_id, delivery.id FROM ranked JOIN delivery USING (account_id, id)
    WHERE rank <= room AND delivery.status = 'PENDING' FOR UPDATE OF delivery SKIP LOCKED
  ) ${claimed}`

/** A webhook for which so many attempts may be begun. */
export interface Room {
  readonly webhookId: string
  readonly room: number
  readonly order: WebhookOrder
}

type Claimed = Omit<ClaimedDelivery, 'event'>
type ClaimedRow = Omit<Claimed, 'eventXid' | 'eventSeq'> & { eventXid: string; eventSeq: string }

/**
 * Claims what is due for this worker, the oldest first; for ordered webhooks only the first of each subject. The webhook's
 * current settings apply, not those from when the delivery was created.
 */
export async function claimDeliveries(tx: Transaction, workerId: number, rooms: readonly Room[]): Promise<Claimed[]> {
  const [ordered, free] = [rooms.filter(isOrdered), rooms.filter((room) => !isOrdered(room))]
  const taken = await claim(tx, claimSql, workerId, free)
  // A cached plan from when little was waiting takes a second once much is.
  if (ordered.length > 0) tx.beside(tx.script('SET LOCAL plan_cache_mode = force_custom_plan'))
  for (const sql of [claimNearbyFirstSql, claimFirstSql, claimUnorderedSql])
    taken.push(...(await claim(tx, sql, workerId, roomLeft(ordered, taken))))
  return taken
}

function isOrdered({ order }: Room): boolean {
  return order === 'PER_SUBJECT'
}

function roomLeft(rooms: readonly Room[], taken: readonly Claimed[]): Room[] {
  const counts = new Map<string, number>()
  for (const { webhookId } of taken) counts.set(webhookId, (counts.get(webhookId) ?? 0) + 1)
  return rooms.flatMap((one) => {
    const room = one.room - (counts.get(one.webhookId) ?? 0)
    return room > 0 ? [{ ...one, room }] : []
  })
}

async function claim(tx: Sql, sql: string, workerId: number, rooms: readonly Room[]): Promise<Claimed[]> {
  if (rooms.length === 0) return []
  const values = [rooms.map(({ webhookId }) => webhookId), rooms.map(({ room }) => room), workerId]
  const rows = await tx.query<ClaimedRow>(sql, values)
  return rows.map((row) => ({ ...row, eventXid: BigInt(row.eventXid), eventSeq: BigInt(row.eventSeq) }))
}
