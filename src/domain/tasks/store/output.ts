import { storableText } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'

/** An attempt, by its task, fence and worker. */
export interface AttemptRef {
  readonly accountId: string
  readonly taskId: string
  readonly fence: number
  readonly workerId: number
}

// The worker is compared with `IS NOT DISTINCT FROM`, as when attempts are settled: no index is used for it.
const heldSql = `
  SELECT task.account_id AS "accountId", task.id AS "taskId", task.fence, task.worker_id AS "workerId"
  FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[]) AS asked (account_id, task_id, fence, worker_id)
  JOIN task ON task.account_id = asked.account_id AND task.id = asked.task_id
    AND task.fence = asked.fence AND task.worker_id IS NOT DISTINCT FROM asked.worker_id AND task.status = 'ACTIVE'
  FOR SHARE OF task`

/** Which of these attempts still hold their task; they go on doing so until the transaction ends. */
export async function findHeld(sql: Sql, attempts: readonly AttemptRef[]): Promise<AttemptRef[]> {
  return sql.query(heldSql, [
    attempts.map((one) => one.accountId),
    attempts.map((one) => one.taskId),
    attempts.map((one) => one.fence),
    attempts.map((one) => one.workerId),
  ])
}

const insertLogsSql = `
  INSERT INTO task_log (account_id, task_id, seq, attempt, at, message)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::int[], $5::timestamptz[], $6::text[])
  ON CONFLICT DO NOTHING`

export interface LogLine {
  readonly accountId: string
  readonly taskId: string
  readonly seq: bigint
  readonly attempt: number
  readonly at: Date
  readonly message: string
}

export async function insertLogs(sql: Sql, lines: readonly LogLine[]): Promise<void> {
  if (lines.length === 0) return
  await sql.query(insertLogsSql, [
    lines.map((line) => line.accountId),
    lines.map((line) => line.taskId),
    lines.map((line) => line.seq),
    lines.map((line) => line.attempt),
    lines.map((line) => line.at),
    lines.map((line) => storableText(line.message)),
  ])
}

const saveStepsSql = `
  UPDATE task SET current_step = s.step FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS s (account_id, task_id, step)
  WHERE task.account_id = s.account_id AND task.id = s.task_id`

/** Keeps the step that running tasks are at, which {@link findHeld} has found in the same transaction. */
export async function saveSteps(
  sql: Sql,
  rows: readonly { readonly accountId: string; readonly taskId: string; readonly step: string }[],
): Promise<void> {
  if (rows.length === 0) return
  await sql.query(saveStepsSql, [
    rows.map((row) => row.accountId),
    rows.map((row) => row.taskId),
    rows.map((row) => storableText(row.step)),
  ])
}

const acknowledgeSql = `
  UPDATE task SET cancel_acknowledged_at = now() FROM unnest($1::uuid[], $2::uuid[]) AS told (account_id, task_id)
  WHERE task.account_id = told.account_id AND task.id = told.task_id`

/** Keeps that running attempts, which {@link findHeld} has found in the same transaction, were told to stop. */
export async function saveAcknowledgedCancels(sql: Sql, attempts: readonly AttemptRef[]): Promise<void> {
  if (attempts.length === 0) return
  await sql.query(acknowledgeSql, [attempts.map(({ accountId }) => accountId), attempts.map(({ taskId }) => taskId)])
}

const saveProgressSql = `
  UPDATE task SET progress = p.progress
  FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::int[])
    AS p (account_id, task_id, fence, worker_id, progress)
  WHERE task.account_id = p.account_id AND task.id = p.task_id AND task.fence = p.fence
    AND task.worker_id IS NOT DISTINCT FROM p.worker_id AND task.status = 'ACTIVE'`

/** Keeps the latest progress of running attempts, each in percent. */
export async function saveProgress(
  sql: Sql,
  rows: readonly (AttemptRef & { readonly percent: number })[],
): Promise<void> {
  if (rows.length === 0) return
  await sql.query(saveProgressSql, [
    rows.map((row) => row.accountId),
    rows.map((row) => row.taskId),
    rows.map((row) => row.fence),
    rows.map((row) => row.workerId),
    rows.map((row) => row.percent),
  ])
}

const dropPartSql = 'DELETE FROM task_part WHERE account_id = $1 AND task_id = $2 AND name = $3'
const insertPartSql = `
  INSERT INTO task_part (account_id, task_id, name, content_id, attempt, content_type, size_bytes, complete)
  VALUES ($1, $2, $3, $4, $5, $6, 0, false)`

export interface NewPart {
  readonly accountId: string
  readonly taskId: string
  readonly name: string
  readonly contentId: string
  readonly attempt: number
  readonly contentType: string
}

/** Makes an empty part in the place of an earlier one of the same name. */
export async function insertPart(sql: Sql, part: NewPart): Promise<void> {
  await sql.query(dropPartSql, [part.accountId, part.taskId, part.name])
  await sql.query(insertPartSql, [
    part.accountId,
    part.taskId,
    part.name,
    part.contentId,
    part.attempt,
    part.contentType,
  ])
}

const insertChunkSql = 'INSERT INTO task_part_chunk (account_id, content_id, start, data) VALUES ($1, $2, $3, $4)'
const growPartSql = `
  UPDATE task_part SET size_bytes = $3, complete = $4::bytea IS NOT NULL, sha256 = $4 WHERE account_id = $1 AND content_id = $2`
const deletePartSql = 'DELETE FROM task_part WHERE account_id = $1 AND content_id = $2'

/** Adds bytes at `start`, the part's present size; with the hash of all its bytes nothing follows. */
export async function appendToPart(
  sql: Sql,
  part: { accountId: string; contentId: string },
  start: number,
  data: Uint8Array,
  sha256: Uint8Array | undefined,
): Promise<void> {
  if (data.length > 0) await sql.query(insertChunkSql, [part.accountId, part.contentId, start, data])
  await sql.query(growPartSql, [part.accountId, part.contentId, start + data.length, sha256 ?? null])
}

/** Deletes what was written of a part. */
export async function deletePart(sql: Sql, part: { accountId: string; contentId: string }): Promise<void> {
  await sql.query(deletePartSql, [part.accountId, part.contentId])
}

const readPartSql = `
  SELECT start, data FROM task_part_chunk
  WHERE account_id = $1 AND content_id = $2 AND start < $4
    AND start >= coalesce((SELECT max(start) FROM task_part_chunk WHERE account_id = $1 AND content_id = $2 AND start <= $3), 0)
  ORDER BY start`

/** The bytes from `from` up to, not including, `to`; fewer at the part's end. */
export async function readPart(
  sql: Sql,
  part: { accountId: string; contentId: string },
  from: number,
  to: number,
): Promise<Buffer> {
  const rows = await sql.query<{ start: number; data: Buffer }>(readPartSql, [part.accountId, part.contentId, from, to])
  return Buffer.concat(rows.map(({ start, data }) => data.subarray(Math.max(0, from - start), to - start)))
}

const findPartSql = `
  SELECT content_id AS "contentId", size_bytes AS "sizeBytes", attempt, content_type AS "contentType" FROM task_part
  WHERE account_id = $1 AND task_id = $2 AND name = $3`

export interface FoundPart {
  readonly contentId: string
  readonly sizeBytes: number
  /** The number of the attempt that wrote it. */
  readonly attempt: number
  readonly contentType: string
}

const countPartsSql = 'SELECT count(*)::int AS count FROM task_part WHERE account_id = $1 AND task_id = $2'

/** How many parts a task has. */
export async function countParts(sql: Sql, accountId: string, taskId: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>(countPartsSql, [accountId, taskId])
  return row?.count ?? 0
}

export async function findPart(
  sql: Sql,
  accountId: string,
  taskId: string,
  name: string,
): Promise<FoundPart | undefined> {
  const [row] = await sql.query<FoundPart>(findPartSql, [accountId, taskId, name])
  return row
}

const deleteLogsSql = `
  WITH gone AS (DELETE FROM task_log WHERE account_id = $1 AND task_id = $2 RETURNING 1)
  SELECT count(*)::int AS count FROM gone`

const redactLogsSql = `
  UPDATE journal SET data = data - 'log'
  WHERE account_id = $1 AND subject = 'task:' || $2::text AND type = 'task.log' AND data ? 'log'`

/**
 * Deletes a task's log lines, and what they say from the journal, whose entries stay: that there were lines is history.
 * @returns how many lines were deleted.
 */
export async function deleteLogs(sql: Sql, accountId: string, taskId: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>(deleteLogsSql, [accountId, taskId])
  await sql.query(redactLogsSql, [accountId, taskId])
  return row?.count ?? 0
}
