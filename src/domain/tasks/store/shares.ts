import type { Priority } from '#domain/tasks/task.ts'
import type { Sql } from '#platform/database/sql.ts'

/** Tasks of one account and priority. */
export interface ShareRef {
  readonly accountId: string
  readonly priority: Priority
}

export interface ShareCount extends ShareRef {
  readonly count: number
}

const takeSql = `
  INSERT INTO task_share AS share (priority, account_id, next, taken)
  SELECT clock.priority, wanted.account_id, clock.now + wanted.count, wanted.count
  FROM unnest($1::priority[], $2::uuid[], $3::int[]) AS wanted (priority, account_id, count)
  JOIN task_clock AS clock ON clock.priority = wanted.priority ORDER BY 1, 2
  ON CONFLICT (priority, account_id) DO UPDATE
    SET next = greatest(share.next, EXCLUDED.next - EXCLUDED.taken) + EXCLUDED.taken, taken = EXCLUDED.taken
  RETURNING priority, account_id AS "accountId", (next - taken)::float8 AS first`

/** The first of the turns that an account was given, one after the other. */
export interface Turns extends ShareRef {
  readonly first: number
}

/** Gives accounts as many turns as they ask for, behind those that they have, and not before the present. */
export async function takeTurns(sql: Sql, wanted: readonly ShareCount[]): Promise<Turns[]> {
  return sql.query(takeSql, [
    wanted.map(({ priority }) => priority),
    wanted.map(({ accountId }) => accountId),
    wanted.map(({ count }) => count),
  ])
}

const clockSql = 'SELECT priority, now::float8 AS now FROM task_clock'

/** The turn that each priority has come to. */
export async function readClock(sql: Sql): Promise<ReadonlyMap<Priority, number>> {
  const rows = await sql.query<{ priority: Priority; now: number }>(clockSql)
  return new Map(rows.map(({ priority, now }) => [priority, now]))
}

// Somebody who moves it at the same time moves it far enough.
const advanceSql = `
  UPDATE task_clock SET now = $2 WHERE priority = (
    SELECT priority FROM task_clock WHERE priority = $1 AND now < $2 FOR UPDATE SKIP LOCKED
  )`

/** Says that a priority has come to this turn. */
export async function advanceClock(sql: Sql, priority: Priority, turn: number): Promise<void> {
  await sql.query(advanceSql, [priority, turn])
}

// Whoever reads the clock holds a lock until the transaction ends: no turn of before comes into the queue afterwards.
const lockClockSql = 'LOCK TABLE task_clock IN ACCESS EXCLUSIVE MODE'
const shiftSharesSql = `
  UPDATE task_share AS share SET next = greatest(0, next - clock.now), lane_next = greatest(0, lane_next - clock.now)
  FROM task_clock AS clock WHERE clock.priority = $1 AND share.priority = $1`
const restartSql = `
  UPDATE task_clock AS clock SET now = 0 FROM task_clock AS before
  WHERE clock.priority = $1 AND before.priority = $1 RETURNING before.now::float8 AS now`

/** Lets a priority begin with turn 0 again, and shifts the turns of accounts; returns the turn that it had come to. */
export async function restartClock(sql: Sql, priority: Priority): Promise<number> {
  await sql.query(lockClockSql)
  await sql.query(shiftSharesSql, [priority])
  const [row] = await sql.query<{ now: number }>(restartSql, [priority])
  return row?.now ?? 0
}

const forgetSql = `
  DELETE FROM task_share AS share WHERE (priority, account_id) IN (
    SELECT share.priority, share.account_id FROM task_share AS share JOIN task_clock AS clock USING (priority)
    WHERE share.next <= clock.now AND share.lane_next <= clock.now AND share.places = 0
      AND NOT EXISTS (SELECT FROM task_lane AS lane WHERE lane.priority = share.priority AND lane.account_id = share.account_id)
    LIMIT $1 FOR UPDATE OF share SKIP LOCKED
  ) RETURNING 1 AS gone`

/** Deletes up to `limit` shares that say no more than a new one would; returns how many. */
export async function forgetPastShares(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(forgetSql, [limit])).length
}
