import type { RetryPlan } from '#domain/webhooks/retry-plan.ts'
import type { SigningMethod } from '#domain/webhooks/signature.ts'
import type {
  WebhookFormat,
  WebhookMaker,
  WebhookMethod,
  WebhookOrder,
  WebhookStatus,
} from '#domain/webhooks/webhook.ts'
import type { Sql } from '#platform/database/sql.ts'
import { isSuspended } from '#platform/database/suspended.ts'

/** A webhook's row, as far as others than its readers need it. */
export interface WebhookRow {
  readonly accountId: string
  readonly id: string
  readonly version: number
  readonly name: string
  readonly url: string
  readonly events: readonly string[]
  readonly filter: unknown
  readonly method: WebhookMethod
  readonly headers: Readonly<Record<string, string>>
  readonly secretHeaderNames: readonly string[]
  /** Sealed. */
  readonly secretHeaders: string | null
  readonly format: WebhookFormat
  readonly document: string | null
  readonly redact: readonly string[]
  readonly timeoutMs: number
  readonly retry: RetryPlan
  readonly order: WebhookOrder
  readonly concurrency: number
  readonly ratePerSecond: number | null
  readonly signing: SigningMethod
  readonly publicKey: string | null
  /** Sealed. */
  readonly keys: string
  readonly status: WebhookStatus
  readonly statusReason: string | null
  readonly createdBy: WebhookMaker['actor']
  readonly maker: WebhookMaker
}

const columns = `account_id AS "accountId", id, version, name, url, events, filter, method, headers,
  secret_header_names AS "secretHeaderNames", secret_headers AS "secretHeaders", format, document, redact,
  timeout_ms AS "timeoutMs", retry, delivery_order AS "order", concurrency, rate_per_second AS "ratePerSecond", signing,
  public_key AS "publicKey", keys, status, status_reason AS "statusReason", created_by AS "createdBy", maker`

const insertSql = `
  INSERT INTO webhook (account_id, id, name, url, events, filter, method, headers, secret_header_names, secret_headers,
    format, document, redact, timeout_ms, retry, delivery_order, concurrency, rate_per_second, signing, public_key, keys,
    created_by, maker, status, status_reason)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)`

export async function insertWebhook(tx: Sql, row: Omit<WebhookRow, 'version'>): Promise<void> {
  await tx.query(insertSql, [
    ...settingsOf(row),
    row.keys,
    JSON.stringify(row.createdBy),
    JSON.stringify(row.maker),
    row.status,
    row.statusReason,
  ])
}

function settingsOf(row: Omit<WebhookRow, 'version'>): unknown[] {
  return [
    row.accountId,
    row.id,
    row.name,
    row.url,
    row.events,
    row.filter === undefined || row.filter === null ? null : JSON.stringify(row.filter),
    row.method,
    JSON.stringify(row.headers),
    row.secretHeaderNames,
    row.secretHeaders,
    row.format,
    row.document,
    row.redact,
    row.timeoutMs,
    JSON.stringify(row.retry),
    row.order,
    row.concurrency,
    row.ratePerSecond,
    row.signing,
    row.publicKey,
  ]
}

// Switching a webhook on resets its count of failures.
const updateSql = `
  UPDATE webhook SET name = $3, url = $4, events = $5, filter = $6, method = $7, headers = $8, secret_header_names = $9,
    secret_headers = $10, format = $11, document = $12, redact = $13, timeout_ms = $14, retry = $15, delivery_order = $16,
    concurrency = $17, rate_per_second = $18, signing = $19, public_key = $20, keys = $21, status = $22::webhook_status,
    status_reason = $23, maker = $24, version = version + 1, updated_at = now(),
    failures = CASE WHEN $22::webhook_status = 'ACTIVE' AND status <> 'ACTIVE' THEN 0 ELSE failures END,
    told_percent = CASE WHEN $22::webhook_status = 'ACTIVE' AND status <> 'ACTIVE' THEN 0 ELSE told_percent END
  WHERE account_id = $1 AND id = $2`

export async function updateWebhook(tx: Sql, row: Omit<WebhookRow, 'version'>): Promise<void> {
  await tx.query(updateSql, [...settingsOf(row), row.keys, row.status, row.statusReason, JSON.stringify(row.maker)])
}

const lockSql = `SELECT ${columns} FROM webhook WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE`

/** The webhook, which nobody else changes until the transaction ends. */
export async function lockWebhook(tx: Sql, accountId: string, id: string): Promise<WebhookRow | undefined> {
  return (await tx.query<WebhookRow>(lockSql, [accountId, id]))[0]
}

const markDeletedSql = `
  UPDATE webhook SET deleted_at = now(), version = version + 1, status = 'INACTIVE', keys = NULL, secret_headers = NULL
  WHERE account_id = $1 AND id = $2`

/** Marks it as deleted; its secrets go at once. */
export async function markDeleted(tx: Sql, accountId: string, id: string): Promise<void> {
  await tx.query(markDeletedSql, [accountId, id])
}

const readSql = `
  SELECT ${columns}, ${isSuspended('webhook.account_id')} AS "isSuspended"
  FROM webhook WHERE account_id = $1 AND deleted_at IS NULL ORDER BY id`

/** All of an account. Those of a suspended one are INACTIVE: what is for them waits until it is active again. */
export async function readWebhooks(sql: Sql, accountId: string): Promise<WebhookRow[]> {
  const rows = await sql.query<WebhookRow & { isSuspended: boolean }>(readSql, [accountId])
  return rows.map(({ isSuspended: isWithheld, ...row }) => (isWithheld ? { ...row, status: 'INACTIVE' } : row))
}

const versionsSql = `
  SELECT account_id AS "accountId", concat(sum(version), CASE WHEN ${isSuspended('webhook.account_id')} THEN ' suspended' END) AS versions
  FROM webhook WHERE account_id = ANY($1::uuid[]) GROUP BY account_id`

/** A text for each account that changes whenever a webhook of it, or whether it is suspended, does; none for an account without webhooks. */
export async function readVersions(sql: Sql, accountIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql.query<{ accountId: string; versions: string }>(versionsSql, [accountIds])
  return new Map(rows.map(({ accountId, versions }) => [accountId, versions]))
}

/** What happened to a webhook within a second or so. */
export interface WebhookStats {
  readonly accountId: string
  readonly id: string
  readonly delivered: number
  readonly undelivered: number
  readonly attempts: number
  readonly failedAttempts: number
  readonly durationMs: number
  readonly lastDeliveryAt: Date | undefined
  readonly lastFailureAt: Date | undefined
  /** Failures in a row since the last success, or since the last count when there was none. */
  readonly failures: number
}

const statsSql = `
  UPDATE webhook SET
    delivered = webhook.delivered + t.delivered, undelivered = webhook.undelivered + t.undelivered,
    attempts = webhook.attempts + t.attempts, failed_attempts = webhook.failed_attempts + t.failed_attempts,
    duration_ms = webhook.duration_ms + t.duration_ms,
    last_delivery_at = coalesce(t.last_delivery_at, webhook.last_delivery_at),
    last_failure_at = coalesce(t.last_failure_at, webhook.last_failure_at),
    verified_at = coalesce(webhook.verified_at, t.last_delivery_at),
    failures = t.failures + CASE WHEN t.last_delivery_at IS NULL THEN webhook.failures ELSE 0 END,
    told_percent = CASE WHEN t.last_delivery_at IS NULL THEN webhook.told_percent ELSE 0 END
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::timestamptz[], $9::timestamptz[], $10::int[])
    AS t (account_id, id, delivered, undelivered, attempts, failed_attempts, duration_ms, last_delivery_at,
      last_failure_at, failures)
  WHERE webhook.account_id = t.account_id AND webhook.id = t.id
  RETURNING webhook.account_id AS "accountId", webhook.id, webhook.name, webhook.failures,
    webhook.told_percent AS "toldPercent", webhook.status, webhook.deleted_at IS NOT NULL AS deleted`

export interface Failing {
  readonly accountId: string
  readonly id: string
  readonly name: string
  readonly failures: number
  readonly toldPercent: number
  readonly status: WebhookStatus
  readonly deleted: boolean
}

/** Adds up; returns where each webhook is on the way to being switched off. In order of ids, so that none waits in a circle. */
export async function addStats(tx: Sql, stats: readonly WebhookStats[]): Promise<Failing[]> {
  const sorted = stats.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return tx.query(statsSql, [
    sorted.map(({ accountId }) => accountId),
    sorted.map(({ id }) => id),
    sorted.map(({ delivered }) => delivered),
    sorted.map(({ undelivered }) => undelivered),
    sorted.map(({ attempts }) => attempts),
    sorted.map(({ failedAttempts }) => failedAttempts),
    sorted.map(({ durationMs }) => Math.round(durationMs)),
    sorted.map(({ lastDeliveryAt }) => lastDeliveryAt ?? null),
    sorted.map(({ lastFailureAt }) => lastFailureAt ?? null),
    sorted.map(({ failures }) => failures),
  ])
}

/** Notes how much of the way was told. */
export async function setToldPercent(tx: Sql, { accountId, id }: Failing, percent: number): Promise<void> {
  await tx.query('UPDATE webhook SET told_percent = $3 WHERE account_id = $1 AND id = $2', [accountId, id, percent])
}

const disableSql = `
  UPDATE webhook SET status = 'FAILED', status_reason = $3, version = version + 1, updated_at = now()
  WHERE account_id = $1 AND id = $2 AND status = 'ACTIVE' AND deleted_at IS NULL RETURNING name`

/** Switches a webhook off that takes nothing any more; returns its name, or undefined when it was off already. */
export async function disableWebhook(
  tx: Sql,
  { accountId, id }: { readonly accountId: string; readonly id: string },
  reason: string,
): Promise<string | undefined> {
  return (await tx.query<{ name: string }>(disableSql, [accountId, id, reason]))[0]?.name
}
