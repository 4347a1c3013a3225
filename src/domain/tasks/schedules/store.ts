import type { Sql } from '#platform/database/sql.ts'
import { isSuspended } from '#platform/database/suspended.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Schedule, ScheduleState } from './schedule.ts'

export interface ScheduleRef {
  readonly accountId: string
  readonly id: string
}

const columns = `account_id AS "accountId", id, name, type, task, cron, every_ms AS "everyMs", rrule,
  time_zone AS "timeZone", anchor_at AS "anchorAt", start_at AS "startAt", end_at AS "endAt", max_runs AS "maxRuns",
  overlap, missed, status, status_reason AS "statusReason", next_at AS "nextAt", queued, runs, failures, maker`

/** The settings of a schedule, as parameters 3 to 15 of the statements that write them. */
function settingsOf(schedule: Schedule): unknown[] {
  const { name, type, task, cron, everyMs, rrule, timeZone, anchorAt, startAt, endAt } = schedule
  const { maxRuns, overlap, missed } = schedule
  const json = JSON.stringify(task)
  return [name, type, json, cron, everyMs, rrule, timeZone, anchorAt, startAt, endAt, maxRuns, overlap, missed]
}

const insertSql = `
  INSERT INTO task_schedule (account_id, id, name, type, task, cron, every_ms, rrule, time_zone, anchor_at, start_at,
                             end_at, max_runs, overlap, missed, next_at, maker, created_by, decided_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, clock_timestamp())`

/** Writes a new schedule, which is active. */
export async function insertSchedule(sql: Sql, schedule: Schedule, createdBy: Actor): Promise<void> {
  const { accountId, id, nextAt, maker } = schedule
  const values = [accountId, id, ...settingsOf(schedule), nextAt, JSON.stringify(maker), JSON.stringify(createdBy)]
  await sql.query(insertSql, values)
}

const countSql = 'SELECT count(*)::int AS count FROM task_schedule WHERE account_id = $1'

export async function countSchedules(sql: Sql, accountId: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>(countSql, [accountId])
  return row?.count ?? 0
}

const nowSql = `SELECT date_trunc('milliseconds', clock_timestamp()) AS now`

/** What the database's clock says: times are due by it, whatever the clocks of the processes say. */
export async function readNow(sql: Sql): Promise<Date> {
  const [row] = await sql.query<{ now: Date }>(nowSql)
  if (row === undefined) throw new Error('The database did not say what time it is.')
  return row.now
}

const findSql = `SELECT ${columns} FROM task_schedule WHERE account_id = $1 AND id = $2`
const lockSql = `${findSql} FOR UPDATE`

export async function findSchedule(sql: Sql, accountId: string, id: string): Promise<Schedule | undefined> {
  return (await sql.query<Schedule>(findSql, [accountId, id]))[0]
}

/** Reads a schedule and keeps others from changing it until the transaction ends. */
export async function lockSchedule(sql: Sql, accountId: string, id: string): Promise<Schedule | undefined> {
  return (await sql.query<Schedule>(lockSql, [accountId, id]))[0]
}

const updateSql = `
  UPDATE task_schedule SET name = $3, type = $4, task = $5, cron = $6, every_ms = $7, rrule = $8, time_zone = $9,
    anchor_at = $10, start_at = $11, end_at = $12, max_runs = $13, overlap = $14, missed = $15, maker = $16,
    updated_at = now()
  WHERE account_id = $1 AND id = $2`

/** Writes what somebody has decided about a schedule; its state is written by {@link saveStates}. */
export async function updateSchedule(sql: Sql, schedule: Schedule): Promise<void> {
  const { accountId, id, maker } = schedule
  await sql.query(updateSql, [accountId, id, ...settingsOf(schedule), JSON.stringify(maker)])
}

const saveSql = `
  UPDATE task_schedule SET status = new.status::schedule_status, status_reason = new.status_reason,
    next_at = new.next_at, runs = new.runs, failures = new.failures, decided_at = clock_timestamp(),
    queued = ARRAY(SELECT jsonb_array_elements_text(new.queued)::timestamptz),
    ended_at = CASE WHEN new.status = 'ENDED' THEN coalesce(task_schedule.ended_at, now()) END
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[], $7::int[], $8::int[])
    AS new (account_id, id, status, status_reason, next_at, queued, runs, failures)
  WHERE task_schedule.account_id = new.account_id AND task_schedule.id = new.id`

/** Writes where schedules stand. */
export async function saveStates(sql: Sql, schedules: readonly (ScheduleRef & ScheduleState)[]): Promise<void> {
  await sql.query(saveSql, [
    schedules.map(({ accountId }) => accountId),
    schedules.map(({ id }) => id),
    schedules.map(({ status }) => status),
    schedules.map(({ statusReason }) => statusReason),
    schedules.map(({ nextAt }) => nextAt),
    schedules.map(({ queued }) => JSON.stringify(queued)),
    schedules.map(({ runs }) => runs),
    schedules.map(({ failures }) => failures),
  ])
}

const deleteSql = 'DELETE FROM task_schedule WHERE account_id = $1 AND id = $2'

/** Deletes a schedule; tasks that it created stay. */
export async function deleteSchedule(sql: Sql, { accountId, id }: ScheduleRef): Promise<void> {
  await sql.query(deleteSql, [accountId, id])
}

const deleteEndedSql = `
  DELETE FROM task_schedule WHERE (account_id, id) IN (
    SELECT account_id, id FROM task_schedule WHERE status = 'ENDED' AND ended_at < now() - $1 * interval '1 day'
    ORDER BY ended_at LIMIT $2
  ) RETURNING 1 AS gone`

/** Deletes up to `limit` schedules that ended more than `days` days ago; returns how many. */
export async function deleteEndedSchedules(sql: Sql, days: number, limit: number): Promise<number> {
  return (await sql.query(deleteEndedSql, [days, limit])).length
}

/** Of how many of its latest runs a schedule knows whether they have ended. */
const watchedRuns = 100

/** For SQL: the runs of a schedule `s` that have not ended. */
const openRuns = `
  SELECT task.id FROM (
    SELECT task_id FROM task_schedule_run AS run WHERE run.account_id = s.account_id AND run.schedule_id = s.id
    ORDER BY task_id DESC LIMIT ${watchedRuns}
  ) AS latest JOIN task ON task.account_id = s.account_id AND task.id = latest.task_id
  WHERE task.status IN ('SCHEDULED', 'PENDING', 'ACTIVE')`

const isDue = `s.status = 'ACTIVE' AND s.next_at <= clock_timestamp()`
const isReady = `s.status = 'ACTIVE' AND s.queued <> '{}' AND (s.overlap = 'ALLOW' OR NOT EXISTS (${openRuns}))`

/** A schedule that has something to do now. */
export interface Candidate extends ScheduleRef {
  readonly storedBytes: number
}

const candidate = `s.account_id AS "accountId", s.id, octet_length(s.task::text) AS "storedBytes"`
const candidatesSql = `
  (SELECT ${candidate} FROM task_schedule AS s
   WHERE ${isDue} AND NOT ${isSuspended('s.account_id')} ORDER BY s.next_at LIMIT $1)
  UNION
  (SELECT ${candidate} FROM task_schedule AS s WHERE ${isReady} AND NOT ${isSuspended('s.account_id')} LIMIT $1)`

/** Schedules that are due, or with a waiting run whose turn has come; up to `limit` of each, without suspended accounts. */
export async function findCandidates(sql: Sql, limit: number): Promise<Candidate[]> {
  return sql.query<Candidate>(candidatesSql, [limit])
}

const takeSql = `
  SELECT ${columns}, EXISTS (${openRuns}) AS "isRunning" FROM task_schedule AS s
  WHERE (account_id, id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[])) AND (${isDue} OR ${isReady})
  ORDER BY account_id, id FOR UPDATE SKIP LOCKED`

/** Those that still have something to do, for this transaction alone: others that look for them find them no more. */
export async function takeSchedules(
  sql: Sql,
  refs: readonly ScheduleRef[],
): Promise<(Schedule & { readonly isRunning: boolean })[]> {
  return sql.query(takeSql, [refs.map(({ accountId }) => accountId), refs.map(({ id }) => id)])
}

const dueMsSql = `
  SELECT (extract(epoch FROM next_at - clock_timestamp()) * 1000)::float8 AS ms FROM task_schedule AS s
  WHERE status = 'ACTIVE' AND next_at IS NOT NULL AND NOT ${isSuspended('s.account_id')} ORDER BY next_at LIMIT 1`

/** In how many milliseconds the next schedule is due; undefined when none will be. */
export async function readDueMs(sql: Sql): Promise<number | undefined> {
  const [row] = await sql.query<{ ms: number }>(dueMsSql)
  return row?.ms
}

const awaitedSql = `
  SELECT open.id FROM (SELECT * FROM task_schedule WHERE status = 'ACTIVE' AND queued <> '{}' LIMIT $1) AS s
  CROSS JOIN LATERAL (${openRuns}) AS open LIMIT $1`

/** Tasks at whose end a waiting run may begin, up to `limit`. */
export async function findAwaitedTasks(sql: Sql, limit: number): Promise<string[]> {
  return (await sql.query<{ id: string }>(awaitedSql, [limit])).map(({ id }) => id)
}

/** A clock that went back by less than this only delays the next run. */
const toleratedJump = `interval '1 hour'`
const isAhead = `status = 'ACTIVE' AND decided_at > clock_timestamp() + ${toleratedJump}`
const anyAheadSql = `SELECT 1 AS one FROM task_schedule WHERE ${isAhead} LIMIT 1`
const aheadSql = `
  SELECT ${columns} FROM task_schedule AS s WHERE ${isAhead} ORDER BY decided_at LIMIT $1 FOR UPDATE SKIP LOCKED`

/** Whether {@link takeDecidedAhead} would find any. */
export async function hasDecidedAhead(sql: Sql): Promise<boolean> {
  return (await sql.query(anyAheadSql)).length > 0
}

/** Schedules whose next time was decided under a clock that was more than an hour ahead, up to `limit`. */
export async function takeDecidedAhead(sql: Sql, limit: number): Promise<Schedule[]> {
  return sql.query<Schedule>(aheadSql, [limit])
}

/** A task that a schedule has created. */
export interface NewRun extends ScheduleRef {
  readonly taskId: string
  readonly scheduledFor: Date
  readonly isManual: boolean
}

const insertRunsSql = `
  INSERT INTO task_schedule_run (account_id, schedule_id, task_id, scheduled_for, is_manual)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::boolean[])`

export async function insertRuns(sql: Sql, runs: readonly NewRun[]): Promise<void> {
  await sql.query(insertRunsSql, [
    runs.map(({ accountId }) => accountId),
    runs.map(({ id }) => id),
    runs.map(({ taskId }) => taskId),
    runs.map(({ scheduledFor }) => scheduledFor),
    runs.map(({ isManual }) => isManual),
  ])
}
