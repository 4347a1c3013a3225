import type { Priority } from '#domain/tasks/task.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { ShareCount, ShareRef } from './shares.ts'

/** The tasks of one account and priority with the same fairness key. */
export interface Lane extends ShareRef {
  /** Empty for tasks without a fairness key. */
  readonly key: string
  /** How many turns it gets where a lane of weight 1 gets one. */
  readonly weight: number
}

const openSql = `
  INSERT INTO task_lane AS lane (priority, account_id, key, weight, next)
  SELECT wanted.priority, wanted.account_id, wanted.key, wanted.weight, share.lane_now
  FROM unnest($1::priority[], $2::uuid[], $3::text[], $4::int[]) AS wanted (priority, account_id, key, weight)
  JOIN task_share AS share ON share.priority = wanted.priority AND share.account_id = wanted.account_id
  ORDER BY 1, 2, 3
  ON CONFLICT (priority, account_id, key) DO UPDATE
    SET weight = EXCLUDED.weight, next = greatest(lane.next, EXCLUDED.next)`

// Locks the shares, so that all that follows in the transaction decides alone about these accounts.
const openSharesSql = `
  INSERT INTO task_share AS share (priority, account_id, next, taken)
  SELECT DISTINCT priority, account_id, 0, 0 FROM unnest($1::priority[], $2::uuid[]) AS wanted (priority, account_id) ORDER BY 1, 2
  ON CONFLICT (priority, account_id) DO UPDATE SET taken = share.taken`

/** Makes shares known, and keeps others from changing them until the transaction ends. */
export async function lockShares(sql: Sql, shares: readonly ShareRef[]): Promise<void> {
  await sql.query(openSharesSql, [shares.map(({ priority }) => priority), shares.map(({ accountId }) => accountId)])
}

/** Makes lanes known in which tasks wait. */
export async function openLanes(sql: Sql, lanes: readonly Lane[]): Promise<void> {
  await lockShares(sql, lanes)
  const priorities = lanes.map(({ priority }) => priority)
  const accounts = lanes.map(({ accountId }) => accountId)
  await sql.query(openSql, [priorities, accounts, lanes.map(({ key }) => key), lanes.map(({ weight }) => weight)])
}

const addPlacesSql = `
  UPDATE task_share AS share SET places = added.places + added.count, lane_next = added.first + added.count
  FROM (
    SELECT share.priority, share.account_id, left_over.places, greatest(share.lane_next, clock.now) AS first,
           CASE WHEN EXISTS (
             SELECT FROM task_lane AS lane
             WHERE lane.priority = share.priority AND lane.account_id = share.account_id AND lane.key <> ''
           ) THEN greatest(0, least(wanted.count, $5 - left_over.places)) ELSE 0 END AS count
    FROM unnest($1::priority[], $2::uuid[], $3::int[], $4::int[]) AS wanted (priority, account_id, used, count)
    JOIN task_share AS share ON share.priority = wanted.priority AND share.account_id = wanted.account_id
    JOIN task_clock AS clock ON clock.priority = share.priority
    CROSS JOIN LATERAL (SELECT greatest(0, share.places - wanted.used) AS places) AS left_over
  ) AS added
  WHERE share.priority = added.priority AND share.account_id = added.account_id
  RETURNING share.priority, share.account_id AS "accountId", added.first::float8 AS first, added.count`

/** Turns of an account's lanes for which jobs are to be sent. */
export interface Places extends ShareCount {
  readonly first: number
}

/**
 * Counts jobs of lanes that have left the queue, and gives turns to as many new ones as are wanted, while tasks wait and
 * up to `places` in the queue. The transaction has locked the shares.
 */
export async function addPlaces(
  sql: Sql,
  wanted: readonly (ShareCount & { readonly used: number })[],
  places: number,
): Promise<Places[]> {
  return sql.query(addPlacesSql, [
    wanted.map(({ priority }) => priority),
    wanted.map(({ accountId }) => accountId),
    wanted.map(({ used }) => used),
    wanted.map(({ count }) => count),
    places,
  ])
}

/** A task that was chosen for a job. */
export interface ChosenTask {
  readonly taskId: string
  readonly jobId: string
}

const takeFromLanesSql = 'SELECT * FROM take_from_lanes($1, $2, $3)'

/** Chooses tasks of an account's lanes for these jobs, by turns of the lanes, and locks the account's share. */
export async function takeFromLanes(
  sql: Sql,
  { priority, accountId }: ShareRef,
  jobIds: readonly string[],
): Promise<ChosenTask[]> {
  return sql.query(takeFromLanesSql, [priority, accountId, jobIds])
}

const takeByRankSql = 'SELECT * FROM take_by_rank($1, $2, $3, $4)'

/** Chooses tasks without a fairness key for these jobs by their ranks; `taskIds` are those that some of the jobs stood for. */
export async function takeByRank(
  sql: Sql,
  { priority, accountId }: ShareRef,
  taskIds: readonly string[],
  jobIds: readonly string[],
): Promise<ChosenTask[]> {
  return sql.query(takeByRankSql, [priority, accountId, taskIds, jobIds])
}

const unfilledSql = `
  SELECT DISTINCT share.priority, share.account_id AS "accountId" FROM task_lane AS lane
  JOIN task_share AS share ON share.priority = lane.priority AND share.account_id = lane.account_id
  WHERE lane.key <> '' AND share.places = 0 LIMIT $1`

/** Accounts with lanes in which tasks may wait although no job in the queue stands for them. */
export async function findUnfilledShares(sql: Sql, limit: number): Promise<ShareRef[]> {
  return sql.query<{ accountId: string; priority: Priority }>(unfilledSql, [limit])
}

const rankedSql = `SELECT priority, account_id AS "accountId" FROM task_lane WHERE key = '' LIMIT $1`

/** Accounts in which tasks without a fairness key wait by their ranks. */
export async function findRankedShares(sql: Sql, limit: number): Promise<ShareRef[]> {
  return sql.query<{ accountId: string; priority: Priority }>(rankedSql, [limit])
}
