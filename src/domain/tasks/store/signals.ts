import { storableJson } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { TaskKey } from './steps.ts'

/** A signal that a task has not waited for yet. */
export interface KeptSignal {
  readonly value: unknown
  readonly sentBy: Actor
}

const countSql = 'SELECT count(*)::int AS count FROM task_signal WHERE account_id = $1 AND task_id = $2'

export async function countSignals(sql: Sql, { accountId, taskId }: TaskKey): Promise<number> {
  return (await sql.query<{ count: number }>(countSql, [accountId, taskId]))[0]?.count ?? 0
}

const insertSql = `
  INSERT INTO task_signal (account_id, id, task_id, name, value, sent_by) VALUES ($1, $2, $3, $4, $5, $6)`

export async function insertSignal(
  sql: Sql,
  { accountId, taskId }: TaskKey,
  signal: { readonly id: string; readonly name: string; readonly value: unknown; readonly sentBy: Actor },
): Promise<void> {
  const { id, name, value, sentBy } = signal
  await sql.query(insertSql, [accountId, id, taskId, name, storableJson(value), JSON.stringify(sentBy)])
}

const takeSql = `
  DELETE FROM task_signal WHERE account_id = $1 AND task_id = $2 AND id = (
    SELECT id FROM task_signal WHERE account_id = $1 AND task_id = $2 AND name = $3 ORDER BY id LIMIT 1)
  RETURNING value, sent_by AS "sentBy"`

/** Takes the oldest kept signal of a name. */
export async function takeSignal(
  sql: Sql,
  { accountId, taskId }: TaskKey,
  name: string,
): Promise<KeptSignal | undefined> {
  return (await sql.query<KeptSignal>(takeSql, [accountId, taskId, name]))[0]
}
