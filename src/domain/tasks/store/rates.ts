import type { Sql } from '#platform/database/sql.ts'

/** The rate of one type and concurrency key of an account. */
export interface Rate {
  readonly accountId: string
  readonly type: string
  /** Empty for tasks without a concurrency key. */
  readonly key: string
  nextAt: Date
}

const nowSql = 'SELECT clock_timestamp() AS now'

const lockSql = `
  INSERT INTO task_rate AS known (account_id, type, key, next_at)
  SELECT account_id, type, key, '-infinity' FROM unnest($1::uuid[], $2::text[], $3::text[]) AS wanted (account_id, type, key)
  ORDER BY 1, 2, 3
  ON CONFLICT (account_id, type, key) DO UPDATE SET next_at = known.next_at
  RETURNING account_id AS "accountId", type, key, greatest(next_at, clock_timestamp()) AS "nextAt"`

/** When the next task may start at each of these rates, by the database's clock; nobody else changes that until the transaction ends. */
export async function lockRates(
  sql: Sql,
  rates: readonly Omit<Rate, 'nextAt'>[],
): Promise<{ readonly rates: Rate[]; readonly now: Date }> {
  if (rates.length === 0) return { rates: [], now: new Date() }
  const rows = await sql.query<Rate>(lockSql, [
    rates.map(({ accountId }) => accountId),
    rates.map(({ type }) => type),
    rates.map(({ key }) => key),
  ])
  const [row] = await sql.query<{ now: Date }>(nowSql)
  return { rates: rows, now: row?.now ?? new Date() }
}

const saveSql = `
  UPDATE task_rate AS known SET next_at = saved.next_at
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) AS saved (account_id, type, key, next_at)
  WHERE known.account_id = saved.account_id AND known.type = saved.type AND known.key = saved.key`

/** Writes rates that this transaction has locked. */
export async function saveRates(sql: Sql, rates: readonly Rate[]): Promise<void> {
  if (rates.length === 0) return
  await sql.query(saveSql, [
    rates.map(({ accountId }) => accountId),
    rates.map(({ type }) => type),
    rates.map(({ key }) => key),
    rates.map(({ nextAt }) => nextAt),
  ])
}

const forgetSql = `
  DELETE FROM task_rate WHERE (account_id, type, key) IN (
    SELECT account_id, type, key FROM task_rate WHERE next_at < now() LIMIT $1 FOR UPDATE SKIP LOCKED
  ) RETURNING 1 AS gone`

/** Deletes up to `limit` rates that hold nobody back any more; returns how many. */
export async function forgetIdleRates(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(forgetSql, [limit])).length
}
