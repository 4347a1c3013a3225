import type { Sql } from '#platform/database/sql.ts'
import { ownIdentity, type ProcessIdentity, seesEnd } from '#platform/system/process-identity.ts'

/** The process of a worker, as its row tells it to the others. */
export interface WorkerProcess extends ProcessIdentity {
  /** The installation whose embedded database it had started; null with an external database. */
  readonly embeddedIn: string | null
}

/** This process. `embeddedIn` is its installation where it has started the embedded database. */
export async function ownWorkerProcess(embeddedIn: string | undefined): Promise<WorkerProcess> {
  return { ...(await ownIdentity()), embeddedIn: embeddedIn ?? null }
}

const insertSql = `
  INSERT INTO worker (host, pid, process_start, process_view, embedded_in, slots, version)
  VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`

/** Makes this process known as a worker; returns its number. */
export async function insertWorker(
  sql: Sql,
  own: WorkerProcess,
  { slots, version }: { readonly slots: number; readonly version: string },
): Promise<number> {
  const values = [own.host, own.pid, own.start, own.view, own.embeddedIn, slots, version]
  const [row] = await sql.query<{ id: number }>(insertSql, values)
  if (row === undefined) throw new Error('The database gave the new worker no number.')
  return row.id
}

const processesSql = `
  SELECT id, host, pid, process_start AS start, process_view AS view, embedded_in AS "embeddedIn"
  FROM worker WHERE id = ANY ($1::int[])`

/** The processes of these workers, by their numbers. */
export async function findWorkerProcesses(sql: Sql, ids: readonly number[]): Promise<Map<number, WorkerProcess>> {
  const rows = await sql.query<WorkerProcess & { id: number }>(processesSql, [ids])
  return new Map(rows.map(({ id, ...process }) => [id, process]))
}

/**
 * Whether another worker's process has certainly ended: this process sees that it has, or has started the embedded
 * database that the other one had before, which only one process at a time can do. False also when nobody can tell.
 */
export async function hasEnded(other: WorkerProcess, own: WorkerProcess): Promise<boolean> {
  if (own.embeddedIn !== null && own.embeddedIn === other.embeddedIn) return true
  return seesEnd(other)
}
