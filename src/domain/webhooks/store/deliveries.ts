import type { AttemptResult, ClaimedDelivery, Settled } from '#domain/webhooks/delivery.ts'
import { newId } from '#lib/ids.ts'
import { storableJson, storableText } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { WaitingDelivery } from './retries.ts'

/** A delivery that is about to be made. */
export interface NewDelivery {
  readonly accountId: string
  readonly id: string
  readonly webhookId: string
  readonly event: NonNullable<ClaimedDelivery['event']>
  readonly orderKey: string | undefined
  /** Whether the process that makes it attempts it at once. */
  readonly isClaimed: boolean
}

/** How long a process may take for one attempt before others may, in seconds: longer than any request of ours. */
export const leaseSeconds = 90

const insertSql = `
  INSERT INTO delivery (account_id, id, webhook_id, event_xid, event_seq, event_at, event_type, subject, order_key,
    status, worker_id, lease_until)
  SELECT account_id, id, webhook_id, xid, seq, at, type, subject, order_key,
    (CASE WHEN claimed THEN 'ACTIVE' ELSE 'PENDING' END)::delivery_status, CASE WHEN claimed THEN $11::int END,
    CASE WHEN claimed THEN now() + ${leaseSeconds} * interval '1 second' END
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::text[], $8::text[],
    $9::text[], $10::bool[]) AS t (account_id, id, webhook_id, xid, seq, at, type, subject, order_key, claimed)
  ON CONFLICT DO NOTHING`

/** Makes deliveries; those that are there already stay as they are. */
export async function insertDeliveries(tx: Sql, rows: readonly NewDelivery[], workerId: number | null): Promise<void> {
  await tx.query(insertSql, [
    rows.map(({ accountId }) => accountId),
    rows.map(({ id }) => id),
    rows.map(({ webhookId }) => webhookId),
    rows.map(({ event }) => event.xid),
    rows.map(({ event }) => event.seq),
    rows.map(({ event }) => event.at),
    rows.map(({ event }) => event.type),
    rows.map(({ event }) => event.subject),
    rows.map(({ orderKey }) => orderKey ?? null),
    rows.map(({ isClaimed }) => isClaimed),
    workerId,
  ])
}

// One probe of the index for each webhook that has something to be done, however much that is.
const waitingSql = `
  WITH RECURSIVE waiting AS (
    (SELECT webhook_id, account_id, due_at FROM delivery WHERE status = 'PENDING' AND job_id IS NULL
     ORDER BY webhook_id, due_at LIMIT 1)
    UNION ALL
    SELECT next.webhook_id, next.account_id, next.due_at FROM waiting, LATERAL (
      SELECT webhook_id, account_id, due_at FROM delivery
      WHERE status = 'PENDING' AND job_id IS NULL AND webhook_id > waiting.webhook_id
      ORDER BY webhook_id, due_at LIMIT 1) AS next
  )
  SELECT webhook_id AS "webhookId", account_id AS "accountId", extract(epoch FROM due_at - now()) * 1000 AS "inMs"
  FROM waiting`

/** Webhooks for which something waits, but not for a job, and in how many milliseconds the first of it is due. */
export async function readWaiting(
  sql: Sql,
): Promise<{ readonly webhookId: string; readonly accountId: string; readonly inMs: number }[]> {
  const rows = await sql.query<{ webhookId: string; accountId: string; inMs: string }>(waitingSql)
  return rows.map((row) => ({ ...row, inMs: Number(row.inMs) }))
}

/** An attempt that has ended, and what follows from it. */
export interface Settlement {
  readonly delivery: ClaimedDelivery
  readonly result: AttemptResult
  readonly settled: Settled
}

// Who has lost the delivery to somebody else meanwhile changes nothing any more.
const settleSql = `
  WITH attempted AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::float8[], $6::text[], $7::int[], $9::uuid[])
      AS t (account_id, id, number, status, wait_ms, outcome, response_status, job_id)
  )
  UPDATE delivery SET status = attempted.status::delivery_status, attempt = attempted.number,
    due_at = CASE WHEN attempted.status = 'PENDING' THEN now() + attempted.wait_ms * interval '1 millisecond' ELSE due_at END,
    finished_at = CASE WHEN attempted.status = 'PENDING' THEN NULL ELSE now() END,
    job_id = attempted.job_id, worker_id = NULL, lease_until = NULL, outcome = attempted.outcome, response_status = attempted.response_status
  FROM attempted
  WHERE delivery.account_id = attempted.account_id AND delivery.id = attempted.id AND delivery.status = 'ACTIVE'
    AND delivery.worker_id = $8 AND delivery.attempt = attempted.number - 1
  RETURNING delivery.account_id AS "accountId", delivery.id, delivery.job_id AS "jobId", delivery.due_at AS "dueAt"`

const insertAttemptsSql = `
  INSERT INTO delivery_attempt (account_id, delivery_id, number, at, duration_ms, outcome, response_status,
    response_headers, response_body, error)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::int[], $6::text[], $7::int[],
    $8::jsonb[], $9::text[], $10::text[])
  ON CONFLICT DO NOTHING`

/** A delivery after an attempt; where another one follows, the job that it waits for. */
export type SettledDelivery = Omit<WaitingDelivery, 'jobId'> & { readonly jobId: string | null }

/** Writes down how attempts have ended; returns those deliveries that were still this worker's. */
export async function settleDeliveries(
  tx: Sql,
  workerId: number,
  settlements: readonly Settlement[],
): Promise<SettledDelivery[]> {
  const inserting = insertAttempts(tx, settlements)
  const settling = tx.query<SettledDelivery>(settleSql, [
    ...attemptIds(settlements),
    settlements.map(({ settled }) => settled.status),
    settlements.map(({ settled }) => settled.waitMs ?? 0),
    settlements.map(({ result }) => result.outcome),
    settlements.map(({ result }) => result.responseStatus ?? null),
    workerId,
    settlements.map(({ settled }) => (settled.status === 'PENDING' ? newId() : null)),
  ])
  const [, rows] = await Promise.all([inserting, settling])
  return rows
}

async function insertAttempts(tx: Sql, settlements: readonly Settlement[]): Promise<void> {
  await tx.query(insertAttemptsSql, [
    ...attemptIds(settlements),
    settlements.map(({ result }) => result.at),
    settlements.map(({ result }) => Math.round(result.durationMs)),
    settlements.map(({ result }) => result.outcome),
    settlements.map(({ result }) => result.responseStatus ?? null),
    settlements.map(({ result }) => (result.responseHeaders ? storableJson(result.responseHeaders) : null)),
    settlements.map(({ result }) => (result.responseBody ? storableText(result.responseBody) : null)),
    settlements.map(({ result }) => (result.error === undefined ? null : storableText(result.error))),
  ])
}

function attemptIds(settlements: readonly Settlement[]): unknown[] {
  return [
    settlements.map(({ delivery }) => delivery.accountId),
    settlements.map(({ delivery }) => delivery.id),
    settlements.map(({ delivery }) => delivery.attempt + 1),
  ]
}

const insertFailedSql = `
  INSERT INTO delivery (account_id, id, webhook_id, event_xid, event_seq, event_at, event_type, subject, status, attempt,
    finished_at, outcome)
  SELECT account_id, id, webhook_id, xid, seq, at, type, subject, 'FAILED', 1, now(), outcome
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::text[], $8::text[],
    $9::text[]) AS t (account_id, id, webhook_id, xid, seq, at, type, subject, outcome)
  ON CONFLICT DO NOTHING RETURNING id`

/** Makes deliveries that have failed before anything could be sent; returns the ids of those that weren't there. */
export async function insertFailedDeliveries(tx: Sql, settlements: readonly Settlement[]): Promise<Set<string>> {
  const deliveries = settlements.map(({ delivery }) => delivery)
  const rows = await tx.query<{ id: string }>(insertFailedSql, [
    deliveries.map(({ accountId }) => accountId),
    deliveries.map(({ id }) => id),
    deliveries.map(({ webhookId }) => webhookId),
    deliveries.map(({ eventXid }) => eventXid),
    deliveries.map(({ eventSeq }) => eventSeq),
    deliveries.map(({ eventAt }) => eventAt),
    deliveries.map(({ event }) => event?.type ?? ''),
    deliveries.map(({ event }) => event?.subject ?? ''),
    settlements.map(({ result }) => result.outcome),
  ])
  const made = new Set(rows.map(({ id }) => id))
  await insertAttempts(
    tx,
    settlements.filter(({ delivery }) => made.has(delivery.id)),
  )
  return made
}

const holdersSql = `
  SELECT DISTINCT worker_id AS "workerId" FROM delivery WHERE status = 'ACTIVE' AND worker_id IS NOT NULL`

/** Which workers have deliveries under way. */
export async function findDeliveryHolders(sql: Sql): Promise<number[]> {
  return (await sql.query<{ workerId: number }>(holdersSql)).map(({ workerId }) => workerId)
}

const releaseSql = `
  UPDATE delivery SET status = 'PENDING', worker_id = NULL, lease_until = NULL
  WHERE status = 'ACTIVE' AND (worker_id = ANY($1::int[]) OR lease_until < now())`

/** Gives back what these workers had under way, and what anybody has had for too long. */
export async function releaseDeliveries(sql: Sql, workerIds: readonly number[]): Promise<void> {
  await sql.query(releaseSql, [workerIds])
}

const dropSql = `
  UPDATE delivery SET status = 'CANCELLED', finished_at = now(), worker_id = NULL, lease_until = NULL
  WHERE account_id = $1 AND webhook_id = $2 AND status IN ('PENDING', 'ACTIVE')`

/** Ends all that is not delivered yet. */
export async function cancelDeliveries(tx: Sql, accountId: string, webhookId: string): Promise<void> {
  await tx.query(dropSql, [accountId, webhookId])
}

const expireSql = `
  WITH old AS (
    SELECT account_id, id FROM delivery
    WHERE created_at < now() - $1 * interval '1 day' AND status <> 'ACTIVE' AND (status <> 'PENDING' OR NOT EXISTS (
      SELECT 1 FROM webhook WHERE account_id = delivery.account_id AND id = delivery.webhook_id AND status = 'ACTIVE'))
    LIMIT $2
  ), attempts AS (
    DELETE FROM delivery_attempt USING old
    WHERE delivery_attempt.account_id = old.account_id AND delivery_attempt.delivery_id = old.id
  ), gone AS (
    DELETE FROM delivery USING old WHERE delivery.account_id = old.account_id AND delivery.id = old.id RETURNING 1
  )
  SELECT count(*)::int AS count FROM gone`

/**
 * Deletes up to `limit` deliveries, with their attempts, that are older than that; returns how many. Those that still
 * wait for an active webhook stay, however long its attempts go on.
 */
export async function deleteOldDeliveries(sql: Sql, days: number, limit: number): Promise<number> {
  return (await sql.query<{ count: number }>(expireSql, [days, limit]))[0]?.count ?? 0
}
