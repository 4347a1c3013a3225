import type { Sql } from '#platform/database/sql.ts'
import { type QuotaName, quotaNames } from './quota.ts'

const usageSql = `
  SELECT id AS "accountId", quotas, suspended_at IS NOT NULL AS "isSuspended", (
    SELECT coalesce(jsonb_object_agg(quota, used), '{}') FROM (
      SELECT quota, sum(amount) AS used FROM (
        SELECT quota, used AS amount FROM usage WHERE account_id = account.id
        UNION ALL SELECT quota, amount FROM usage_change WHERE account_id = account.id
        UNION ALL SELECT 'storedBytes', bytes FROM journal_usage WHERE account_id = account.id
        UNION ALL SELECT 'applicationTokens', count(*) FROM application_token
          WHERE account_id = account.id AND revoked_at IS NULL AND expires_at > now()
        UNION ALL SELECT 'webhooks', count(*) FROM webhook WHERE account_id = account.id AND deleted_at IS NULL
      ) AS part GROUP BY quota
    ) AS whole
  ) AS used
  FROM account WHERE id = ANY($1::uuid[])`

/** What an account uses, and the quotas of its own. */
export interface UsageRow {
  readonly accountId: string
  readonly quotas: Readonly<Partial<Record<QuotaName, number>>>
  readonly used: Readonly<Partial<Record<QuotaName, number>>>
  /** Nothing of it is begun. */
  readonly isSuspended: boolean
}

export async function readUsage(sql: Sql, accountIds: readonly string[]): Promise<UsageRow[]> {
  return sql.query(usageSql, [accountIds])
}

const foldSql = `
  WITH gone AS (
    DELETE FROM usage_change WHERE id IN (
      SELECT id FROM usage_change ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
    ) RETURNING account_id, quota, amount
  ), folded AS (
    INSERT INTO usage AS known (account_id, quota, used)
    SELECT account_id, quota, sum(amount) FROM gone GROUP BY account_id, quota ORDER BY account_id, quota
    ON CONFLICT (account_id, quota) DO UPDATE SET used = known.used + excluded.used
  )
  SELECT count(*)::int AS count FROM gone`

/** Adds up to `limit` changes to what they change; several processes don't wait for each other's. Returns how many. */
export async function foldUsage(sql: Sql, limit: number): Promise<number> {
  const [row] = await sql.query<{ count: number }>(foldSql, [limit])
  return row?.count ?? 0
}

const lockAccountSql = 'SELECT id FROM account WHERE id = $1 FOR NO KEY UPDATE'

/** Keeps others from adding to the same account until the transaction ends; for what is seldom done. */
export async function lockAccount(sql: Sql, accountId: string): Promise<void> {
  await sql.query(lockAccountSql, [accountId])
}

/** Numbers that an account's row has for quotas that there are. */
export function ownQuotas(row: UsageRow): Partial<Record<QuotaName, number>> {
  return Object.fromEntries(
    quotaNames.flatMap((name) => (typeof row.quotas[name] === 'number' ? [[name, row.quotas[name]]] : [])),
  )
}
