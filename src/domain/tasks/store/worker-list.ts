import type { WorkerRow } from '#domain/tasks/worker-row.ts'
import type { Sql } from '#platform/database/sql.ts'

const columns = `worker.id, worker.account_id AS "accountId", worker.principal_id AS "principalId",
  coalesce(worker.name, 'worker-' || worker.id) AS name, worker.version, coalesce(worker.wanted_slots, worker.slots) AS slots,
  worker.types, worker.started_at AS "startedAt", worker.seen_at AS "seenAt", worker.draining_at AS "drainingAt",
  worker.drained_at AS "drainedAt", (
    SELECT count(*)::int FROM task WHERE task.worker_id = worker.id AND task.status = 'ACTIVE'
  ) AS running`

const listSql = `
  SELECT ${columns} FROM worker
  WHERE left_at IS NULL AND (account_id IS NULL OR account_id = $1) AND id > $2 ORDER BY id LIMIT $3`

/** Workers that run tasks of an account, after the one with this id, up to `limit`. */
export async function listWorkers(sql: Sql, accountId: string, after: number, limit: number): Promise<WorkerRow[]> {
  return sql.query(listSql, [accountId, after, limit])
}

const findSql = `
  SELECT ${columns} FROM worker WHERE left_at IS NULL AND (account_id IS NULL OR account_id = $1) AND id = $2`

export async function findWorker(sql: Sql, accountId: string, id: number): Promise<WorkerRow | undefined> {
  const [row] = await sql.query<WorkerRow>(findSql, [accountId, id])
  return row
}

const drainSql = `
  UPDATE worker SET draining_at = coalesce(draining_at, now()) WHERE id = $1 AND left_at IS NULL AND draining_at IS NULL
  RETURNING 1 AS changed`

/** Lets a worker claim nothing more; whether it did before. */
export async function drainWorker(sql: Sql, id: number): Promise<boolean> {
  return (await sql.query(drainSql, [id])).length > 0
}

const leaveSql = `
  UPDATE worker SET drained_at = now(), left_at = now() WHERE id = $1 AND left_at IS NULL
    AND NOT EXISTS (SELECT FROM task_lease AS lease WHERE lease.worker_id = worker.id)
  RETURNING 1 AS gone`

/** Takes a remote worker off the list that has no leases; whether it was there. */
export async function removeWorker(sql: Sql, id: number): Promise<boolean> {
  return (await sql.query(leaveSql, [id])).length > 0
}

const slotsSql = 'UPDATE worker SET wanted_slots = $2 WHERE id = $1 AND left_at IS NULL'

/** Writes how many slots a worker is to have. */
export async function saveWorkerSlots(sql: Sql, id: number, slots: number): Promise<void> {
  await sql.query(slotsSql, [id, slots])
}

const signSql = `
  UPDATE worker SET seen_at = now(),
    drained_at = CASE WHEN draining_at IS NOT NULL AND $2 = 0 THEN coalesce(drained_at, now()) END
  WHERE id = $1
  RETURNING coalesce(wanted_slots, slots) AS slots, draining_at IS NOT NULL AS "isDraining"`

/** Notes that a process of the server is there, and how many attempts it runs; returns what operators want of it. */
export async function noteOwnWorker(
  sql: Sql,
  id: number,
  running: number,
): Promise<{ readonly slots: number; readonly isDraining: boolean } | undefined> {
  const [row] = await sql.query<{ slots: number; isDraining: boolean }>(signSql, [id, running])
  return row
}

const endSql = 'UPDATE worker SET left_at = now() WHERE id = $1'

/** Notes that a process of the server has stopped. */
export async function noteOwnEnd(sql: Sql, id: number): Promise<void> {
  await sql.query(endSql, [id])
}

const silentSql = `
  UPDATE worker SET left_at = now()
  WHERE account_id IS NULL AND left_at IS NULL AND seen_at < now() - interval '1 minute'
    AND NOT EXISTS (SELECT FROM task WHERE task.worker_id = worker.id AND task.status = 'ACTIVE')`

/** Takes processes of the server off the list that have not been seen for a minute and have no attempts. */
export async function removeSilentProcesses(sql: Sql): Promise<void> {
  await sql.query(silentSql)
}

const firstAccountSql = 'SELECT id FROM account ORDER BY created_at, id LIMIT 1'

/** The account that was created first: the installation is its own. */
export async function findInstallationAccount(sql: Sql): Promise<string | undefined> {
  const [row] = await sql.query<{ id: string }>(firstAccountSql)
  return row?.id
}
