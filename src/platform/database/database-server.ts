import { sessionSettingsColumns } from './session-settings.ts'

/** What a new connection learns about the server at its other end. */
export interface DatabaseServer {
  /** Tells one run of one PostgreSQL server from every other: when it started, to the microsecond. */
  readonly identity: string
  /** Milliseconds since it was promoted from a standby; undefined when it has been a primary from its start. */
  readonly promotedAgoMs: number | undefined
}

/** The address leads to a standby, where nothing can be written and reads may be out of date. */
class DatabaseIsStandby extends Error {
  /** PostgreSQL's own code for a write that a standby refuses. */
  readonly code = '25006'
  constructor() {
    super('The database server is a standby; waiting for a primary at its address.')
  }
}

/**
 * SQLSTATEs after which the server at the other end is, or is about to be, no primary any more: a write in a read-only
 * transaction, a shutdown, a crash, a start.
 */
export const movedCodes: ReadonlySet<string> = new Set(['25006', '57P01', '57P02', '57P03'])

// The transaction that was replayed last is about as old as the promotion, and is forgotten at the next start.
const inspectSql = `
  SELECT pg_is_in_recovery() AS "isStandby", extract(epoch FROM pg_postmaster_start_time())::text AS identity,
    (extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::float8 AS "promotedAgoMs",
    set_config('tcp_keepalives_idle', $1, false), set_config('tcp_keepalives_interval', $2, false),
    set_config('tcp_keepalives_count', '5', false), set_config('tcp_user_timeout', $3, false), ${sessionSettingsColumns}`

interface InspectedRow {
  readonly isStandby: boolean
  readonly identity: string
  readonly promotedAgoMs: number | null
}

/**
 * Asks a new connection which server it leads to, applies the session's settings (time zone UTC), and makes that server
 * give the connection up when this machine has not been reachable for `patienceMs`, so that its locks are released.
 * @throws {DatabaseIsStandby}
 */
export async function inspectServer(
  ask: (text: string, values: readonly unknown[]) => Promise<readonly unknown[]>,
  patienceMs: number,
): Promise<DatabaseServer> {
  const seconds = Math.ceil(patienceMs / 1000)
  const values = [Math.ceil(seconds / 2), Math.ceil(seconds / 10), seconds * 1000].map(String)
  const [row] = (await ask(inspectSql, values)) as readonly InspectedRow[]
  if (row === undefined || row.isStandby) throw new DatabaseIsStandby()
  return { identity: row.identity, promotedAgoMs: row.promotedAgoMs ?? undefined }
}
