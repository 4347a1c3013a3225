import type { RemoteWorkerSigns } from '#domain/tasks/remote/remote-worker.ts'
import type { Sql } from '#platform/database/sql.ts'

const signSql = `
  INSERT INTO worker AS known (host, pid, account_id, principal_id, name, version, slots, types)
  VALUES ('', 0, $1, $2, $3, $4, $5, $6)
  ON CONFLICT (account_id, principal_id, name) WHERE account_id IS NOT NULL AND left_at IS NULL
  DO UPDATE SET version = EXCLUDED.version, slots = EXCLUDED.slots, types = EXCLUDED.types, seen_at = now()
  RETURNING id, xmax = 0 AS "isNew"`

/** Notes a sign of life of a remote worker; it is new when it was not there before. */
export async function signOfLife(sql: Sql, worker: RemoteWorkerSigns): Promise<{ id: number; isNew: boolean }> {
  const { accountId, principalId, name, version, slots, types } = worker
  const values = [accountId, principalId, name, version ?? null, slots, types]
  const [row] = await sql.query<{ id: number; isNew: boolean }>(signSql, values)
  return row as { id: number; isNew: boolean }
}

const anySql = 'SELECT 1 FROM worker WHERE account_id IS NOT NULL AND left_at IS NULL LIMIT 1'

/** Whether any account has a remote worker. */
export async function hasRemoteWorkers(sql: Sql): Promise<boolean> {
  return (await sql.query(anySql)).length > 0
}

const countSql = 'SELECT count(*)::int AS count FROM worker WHERE account_id = $1 AND left_at IS NULL'

/** How many remote workers of an account are there. */
export async function countRemoteWorkers(sql: Sql, accountId: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>(countSql, [accountId])
  return row?.count ?? 0
}

const findSql = `
  UPDATE worker SET seen_at = now()
  WHERE account_id = $1 AND principal_id = $2 AND name = $3 AND left_at IS NULL RETURNING id`

/** A remote worker that is there, which gives a sign of life thereby; undefined when it is not known, or no more. */
export async function findRemoteWorker(
  sql: Sql,
  worker: Pick<RemoteWorkerSigns, 'accountId' | 'principalId' | 'name'>,
): Promise<number | undefined> {
  const [row] = await sql.query<{ id: number }>(findSql, [worker.accountId, worker.principalId, worker.name])
  return row?.id
}

const lockSql = `
  SELECT coalesce(wanted_slots, slots) AS slots, draining_at IS NOT NULL AS "isDraining", left_at IS NOT NULL AS "hasLeft"
  FROM worker WHERE id = $1 FOR UPDATE`

export interface WorkerState {
  readonly slots: number
  readonly isDraining: boolean
  readonly hasLeft: boolean
}

/** How a worker may claim; nobody else claims for it until the transaction ends. */
export async function lockWorker(sql: Sql, id: number): Promise<WorkerState | undefined> {
  const [row] = await sql.query<WorkerState>(lockSql, [id])
  return row
}

const seenSql = 'UPDATE worker SET seen_at = now() WHERE id = ANY($1::int[]) AND left_at IS NULL'

/** Notes that workers, which wait for tasks, are still there. */
export async function noteSeen(sql: Sql, ids: readonly number[]): Promise<void> {
  await sql.query(seenSql, [ids])
}

const servedSql = `
  SELECT DISTINCT served.type FROM worker CROSS JOIN LATERAL unnest(worker.types) AS served (type)
  WHERE account_id = $1 AND left_at IS NULL AND draining_at IS NULL AND seen_at > now() - $2 * interval '1 millisecond'`

/** The types that remote workers of an account claim which have been seen lately. */
export async function findServedTypes(sql: Sql, accountId: string, withinMs: number): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ type: string }>(servedSql, [accountId, withinMs])
  return new Set(rows.map(({ type }) => type))
}

export interface LeavingWorker {
  readonly id: number
  readonly accountId: string
  readonly name: string
  readonly isDraining: boolean
}

const drainedSql = `
  UPDATE worker SET drained_at = now() WHERE id IN (
    SELECT id FROM worker WHERE account_id IS NOT NULL AND left_at IS NULL AND draining_at IS NOT NULL AND drained_at IS NULL
      AND NOT EXISTS (SELECT FROM task_lease AS lease WHERE lease.worker_id = worker.id)
    LIMIT $1 FOR UPDATE SKIP LOCKED
  ) RETURNING id, account_id AS "accountId", name, true AS "isDraining"`

/** Notes which remote workers that are to claim nothing more have no leases left; up to `limit`. */
export async function markDrained(sql: Sql, limit: number): Promise<LeavingWorker[]> {
  return sql.query(drainedSql, [limit])
}

const silentSql = `
  UPDATE worker SET left_at = now() WHERE id IN (
    SELECT id FROM worker WHERE account_id IS NOT NULL AND left_at IS NULL
      AND seen_at < now() - $1 * interval '1 millisecond'
      AND NOT EXISTS (SELECT FROM task_lease AS lease WHERE lease.worker_id = worker.id)
    LIMIT $2 FOR UPDATE SKIP LOCKED
  ) RETURNING id, account_id AS "accountId", name, draining_at IS NOT NULL AS "isDraining"`

/** Takes remote workers off the list that have not been seen for so long and have no leases; up to `limit`. */
export async function removeSilentWorkers(sql: Sql, silentMs: number, limit: number): Promise<LeavingWorker[]> {
  return sql.query(silentSql, [silentMs, limit])
}
