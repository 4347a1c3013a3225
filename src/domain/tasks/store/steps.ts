import { storableJson } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'

export interface TaskKey {
  readonly accountId: string
  readonly taskId: string
}

const findSql = 'SELECT result::text AS json FROM task_step WHERE account_id = $1 AND task_id = $2 AND name = $3'

/** The result of a step as JSON; undefined when the task has not done it. */
export async function findStep(sql: Sql, { accountId, taskId }: TaskKey, name: string): Promise<string | undefined> {
  return (await sql.query<{ json: string }>(findSql, [accountId, taskId, name]))[0]?.json
}

const countSql = 'SELECT count(*)::int AS count FROM task_step WHERE account_id = $1 AND task_id = $2'

export async function countSteps(sql: Sql, { accountId, taskId }: TaskKey): Promise<number> {
  return (await sql.query<{ count: number }>(countSql, [accountId, taskId]))[0]?.count ?? 0
}

const insertSql = `
  INSERT INTO task_step (account_id, task_id, name, attempt, started_at, size_bytes, result) VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (account_id, task_id, name) DO NOTHING`

/** Keeps the result of a step; one that is kept already stays. */
export async function insertStep(
  sql: Sql,
  { accountId, taskId }: TaskKey,
  step: { readonly name: string; readonly attempt: number; readonly startedAt: Date; readonly json: string },
): Promise<void> {
  const { name, attempt, startedAt, json } = step
  const values = [accountId, taskId, name, attempt, startedAt, Buffer.byteLength(json), storableJson(JSON.parse(json))]
  await sql.query(insertSql, values)
}
