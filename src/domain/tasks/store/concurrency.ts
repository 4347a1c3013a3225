import type { Sql } from '#platform/database/sql.ts'

/** How many tasks with one concurrency key run. */
export interface RunningKey {
  readonly accountId: string
  readonly key: string
  running: number
}

// An update of nothing, since only that locks a row whether it was there before or not.
const lockSql = `
  INSERT INTO task_concurrency AS known (account_id, key, running)
  SELECT account_id, key, 0 FROM unnest($1::uuid[], $2::text[]) AS wanted (account_id, key) ORDER BY 1, 2
  ON CONFLICT (account_id, key) DO UPDATE SET running = known.running
  RETURNING account_id AS "accountId", key, running`

/** How many tasks run with each of these keys; nobody else starts or ends one until the transaction ends. */
export async function lockKeys(
  sql: Sql,
  keys: readonly { readonly accountId: string; readonly key: string }[],
): Promise<RunningKey[]> {
  if (keys.length === 0) return []
  return sql.query(lockSql, [keys.map(({ accountId }) => accountId), keys.map(({ key }) => key)])
}

const countSql = `
  UPDATE task_concurrency AS known SET running = counted.running
  FROM unnest($1::uuid[], $2::text[], $3::int[]) AS counted (account_id, key, running)
  WHERE known.account_id = counted.account_id AND known.key = counted.key`

/** Writes how many tasks run with each of these keys, which this transaction has locked. */
export async function countRunning(sql: Sql, keys: readonly RunningKey[]): Promise<void> {
  if (keys.length === 0) return
  await sql.query(countSql, [
    keys.map(({ accountId }) => accountId),
    keys.map(({ key }) => key),
    keys.map(({ running }) => running),
  ])
}

export interface KeyCount {
  readonly accountId: string
  readonly key: string
  readonly count: number
}

const freeSql = `
  UPDATE task_concurrency AS known SET running = greatest(0, known.running - ended.count)
  FROM unnest($1::uuid[], $2::text[], $3::int[]) AS ended (account_id, key, count)
  WHERE known.account_id = ended.account_id AND known.key = ended.key`

/** Counts tasks with these keys that run no longer. */
export async function countEnded(sql: Sql, keys: readonly KeyCount[]): Promise<void> {
  // In this order, which is that of `lockKeys`, so that two transactions don't wait for each other.
  const sorted = keys.toSorted((a, b) => compare(a.accountId, b.accountId) || compare(a.key, b.key))
  await sql.query(freeSql, [
    sorted.map(({ accountId }) => accountId),
    sorted.map(({ key }) => key),
    sorted.map(({ count }) => count),
  ])
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const forgetSql = `
  DELETE FROM task_concurrency WHERE (account_id, key) IN (
    SELECT account_id, key FROM task_concurrency AS known
    WHERE running = 0 AND NOT EXISTS (
      SELECT FROM task WHERE account_id = known.account_id AND held = 'CONCURRENCY' AND concurrency_key = known.key
    ) LIMIT $1 FOR UPDATE SKIP LOCKED
  ) RETURNING 1 AS gone`

/** Deletes up to `limit` keys with which nothing runs or waits; returns how many. */
export async function forgetIdleKeys(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(forgetSql, [limit])).length
}
