import { aliveLock, type DatabaseSession } from './session.ts'
import type { Sql } from './sql.ts'

export interface WorkerLivenessOptions {
  readonly session: Pick<DatabaseSession, 'connection'>
  /** This process's own, of which the session holds the sign of life. */
  readonly workerId: number
  /** How long others have for connecting again, after this process has lost the database or the database has moved. */
  readonly leaseMs: number
}

/** A worker that holds something and gives no sign of life. */
export interface SilentWorker {
  readonly id: number
  /** For how long its connection has been silent, in milliseconds; undefined when it has none, and is dead. */
  readonly silentMs: number | undefined
}

/** How long a worker may be without its connection, so that one that only reconnects is not taken for dead. */
export const graceMs = 2_000

/** Within this time of the look before, whoever was missing then and is now has been missing all the while. */
const lookedRecentlyMs = 5_000

/**
 * Signs of life that the database sees now. A session sends something every second; while it is being answered, it is
 * the database that is slow. Of a role that may not see another's activity, that one counts as awake.
 */
const signsSql = `
  SELECT objid::int AS id, CASE WHEN state = 'idle'
    THEN (extract(epoch FROM clock_timestamp() - state_change) * 1000)::float8 ELSE 0 END AS "silentMs"
  FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
  WHERE locktype = 'advisory' AND granted AND classid = ${aliveLock}
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

interface Sign {
  readonly id: number
  readonly silentMs: number
}

/**
 * Tells which workers are dead or frozen, for those who take back what they had. A worker lives while its session holds
 * its advisory lock, which it loses with its connection: within a moment when its process dies, and all at the same time
 * when the database fails over. So nobody is judged before everybody has had the time to connect again, and only by what
 * a server says that sees this process, too.
 */
export class WorkerLiveness {
  readonly #options: WorkerLivenessOptions
  readonly #missingSince = new Map<number, number>()
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(options: WorkerLivenessOptions) {
    this.#options = options
  }

  /** Those of the workers that have been without a sign of life for at least {@link graceMs}; never this process. */
  async findSilent(sql: Sql, workers: readonly number[]): Promise<SilentWorker[]> {
    const others = workers.filter((id) => id !== this.#options.workerId)
    const signs = others.length > 0 && this.#mayJudge() ? await this.#readSigns(sql) : undefined
    const now = performance.now()
    // A process that stood still knows nothing of what was missing meanwhile.
    if (signs === undefined || now - this.#lookedAt > lookedRecentlyMs) this.#missingSince.clear()
    this.#lookedAt = now
    if (signs === undefined) return []
    for (const id of this.#missingSince.keys()) if (signs.has(id) || !others.includes(id)) this.#missingSince.delete(id)
    return others.flatMap((id) => this.#silenceOf(id, signs.get(id), now) ?? [])
  }

  /** Those that are still silent, asked on the connection that is about to take what they had. */
  async confirm(tx: Sql, silent: readonly SilentWorker[]): Promise<SilentWorker[]> {
    const signs = this.#mayJudge() ? await this.#readSigns(tx) : undefined
    if (signs === undefined) return []
    return silent
      .map(({ id, silentMs }) => ({ id, wasDead: silentMs === undefined, silentMs: signs.get(id) }))
      .filter(({ wasDead, silentMs }) => (wasDead ? silentMs === undefined : (silentMs ?? 0) >= graceMs))
  }

  #silenceOf(id: number, sign: number | undefined, now: number): SilentWorker | undefined {
    if (sign !== undefined) return sign >= graceMs ? { id, silentMs: sign } : undefined
    const since = this.#missingSince.get(id) ?? now
    this.#missingSince.set(id, since)
    return now - since >= graceMs ? { id, silentMs: undefined } : undefined
  }

  /** Whether everybody has had the time to connect to this server. */
  #mayJudge(): boolean {
    const { session, leaseMs } = this.#options
    const { connection } = session
    if (connection === undefined) return false
    const { since, isFirst, server } = connection
    // A process that has just started may have come in the middle of a failover.
    const headStart = isFirst ? (server.promotedAgoMs ?? Number.POSITIVE_INFINITY) : 0
    return performance.now() - since + headStart >= leaseMs
  }

  /** Silence by worker; undefined when this server does not see our own sign of life: it is not where we are connected. */
  async #readSigns(sql: Sql): Promise<Map<number, number> | undefined> {
    const signs = new Map((await sql.query<Sign>(signsSql)).map(({ id, silentMs }) => [id, silentMs]))
    return signs.has(this.#options.workerId) ? signs : undefined
  }
}
