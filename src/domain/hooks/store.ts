import type { Sql } from '#platform/database/sql.ts'

/** What is remembered of a call. */
export interface InboundCall {
  readonly accountId: string
  readonly hook: string
  readonly deliveryId: string
  readonly bodyHash: Buffer
  readonly isReplayable: boolean
}

/** A call that came before under the same id. */
export interface KnownCall {
  readonly bodyHash: Buffer
  /** Null: it is not known to have been handed in. */
  readonly taskIds: string[] | null
}

const insertSql = `
  INSERT INTO inbound_call (account_id, hook, delivery_id, body_hash, replay_hash)
  VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING 1 AS taken`

/** Remembers a call; false when its id, or its content where that must not come again, is known. */
export async function insertCall(sql: Sql, call: InboundCall): Promise<boolean> {
  const { accountId, hook, deliveryId, bodyHash, isReplayable } = call
  const values = [accountId, hook, deliveryId, bodyHash, isReplayable ? bodyHash : null]
  return (await sql.query(insertSql, values)).length > 0
}

const findSql = `
  SELECT body_hash AS "bodyHash", task_ids AS "taskIds" FROM inbound_call
  WHERE account_id = $1 AND hook = $2 AND delivery_id = $3`

export async function findCall(
  sql: Sql,
  { accountId, hook, deliveryId }: Pick<InboundCall, 'accountId' | 'hook' | 'deliveryId'>,
): Promise<KnownCall | undefined> {
  return (await sql.query<KnownCall>(findSql, [accountId, hook, deliveryId]))[0]
}

const handedInSql = `
  UPDATE inbound_call SET task_ids = $4 WHERE account_id = $1 AND hook = $2 AND delivery_id = $3`

/** Notes what a call has become, so that it is not handed in again. */
export async function noteTasks(sql: Sql, call: InboundCall, taskIds: readonly string[]): Promise<void> {
  await sql.query(handedInSql, [call.accountId, call.hook, call.deliveryId, taskIds])
}

const deleteSql = `
  DELETE FROM inbound_call WHERE (account_id, hook, delivery_id) IN (
    SELECT account_id, hook, delivery_id FROM inbound_call
    WHERE received_at < now() - $1 * interval '1 day' ORDER BY received_at LIMIT $2)
  RETURNING 1 AS gone`

/** Forgets calls of that many days ago; returns how many, at most `limit`. */
export async function deleteOldCalls(sql: Sql, days: number, limit: number): Promise<number> {
  return (await sql.query(deleteSql, [days, limit])).length
}

/** The account that was created first, if there is one yet; the named one, if there is one and it is not suspended. */
export async function findAccount(sql: Sql, id: string | undefined): Promise<string | undefined> {
  const found =
    'SELECT id FROM account WHERE suspended_at IS NULL AND ($1::uuid IS NULL OR id = $1) ORDER BY created_at, id LIMIT 1'
  return (await sql.query<{ id: string }>(found, [id ?? null]))[0]?.id
}
