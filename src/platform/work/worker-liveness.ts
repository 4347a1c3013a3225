import { aliveLock, type DatabaseSession } from '#platform/database/session.ts'
import type { Sql } from '#platform/database/sql.ts'
import { findWorkerProcesses, hasEnded, type WorkerProcess } from './worker-process.ts'

export interface WorkerLivenessOptions {
  readonly session: Pick<DatabaseSession, 'connection'>
  /** This worker; the session holds its sign of life. */
  readonly worker: OwnWorker
  /**
   * For how long a worker may be without the database before it stops what it runs, in milliseconds: others take it for
   * dead {@link graceMs} later, unless they know that its process has ended.
   */
  readonly leaseMs: number
}

/** A process that is a worker. */
export interface OwnWorker {
  readonly id: number
  readonly process: WorkerProcess
}

/** A worker that holds something and gives no sign of life. */
export interface SilentWorker {
  readonly id: number
  /** For how long its connection has been silent, in milliseconds; undefined when it has none, and is dead. */
  readonly silentMs: number | undefined
}

/**
 * How long a worker's connection may be silent before the limits of its tasks are enforced for it; and how long a worker
 * whose lease is over has to notice that and to stop what it runs, before others take it.
 */
export const graceMs = 2_000

/** A worker that was missing at the look before, at most this long ago, and is missing now has been missing meanwhile. */
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
 * its advisory lock, which it loses with its connection: within a moment when its process dies, and also when only its
 * way to the database is cut or leads elsewhere for a while, as in a failover. So one without the lock is dead at once
 * where this process knows that the other one has ended, and otherwise a little after its lease is over, by which time it
 * has stopped what it ran. Nobody is judged by a server that does not see this process, too.
 */
export class WorkerLiveness {
  readonly #options: WorkerLivenessOptions
  readonly #missingSince = new Map<number, number>()
  /** What is known of the others' processes; those that have ended are {@link ended}. */
  readonly #processes = new Map<number, WorkerProcess | typeof ended>()
  #lookedAt = Number.NEGATIVE_INFINITY
  #connectedAt: number | undefined

  constructor(options: WorkerLivenessOptions) {
    this.#options = options
  }

  /** Those of the workers that are dead, or whose connection has been silent for {@link graceMs}; never this process. */
  async findSilent(sql: Sql, workers: readonly number[]): Promise<SilentWorker[]> {
    const others = workers.filter((id) => id !== this.#options.worker.id)
    keepOnly(this.#processes, others)
    keepOnly(this.#missingSince, others)
    await this.#lookForEnded(sql, others)
    const signs = others.length > 0 ? await this.#readSigns(sql) : undefined
    const now = performance.now()
    if (signs === undefined || !this.#hasWatched(now)) this.#missingSince.clear()
    this.#lookedAt = now
    this.#connectedAt = this.#options.session.connection?.since
    for (const id of others)
      if (signs?.has(id)) this.#missingSince.delete(id)
      else if (signs !== undefined && !this.#missingSince.has(id)) this.#missingSince.set(id, now)
    return others.flatMap((id) => this.#silenceOf(id, signs?.get(id), now) ?? [])
  }

  /** Those that are still silent, asked on the connection that is about to take what they had. */
  async confirm(tx: Sql, silent: readonly SilentWorker[]): Promise<SilentWorker[]> {
    const signs = await this.#readSigns(tx)
    return silent.flatMap((worker) => {
      if (this.#processes.get(worker.id) === ended) return worker
      if (signs === undefined) return []
      const silentMs = signs.get(worker.id)
      const isSilent = worker.silentMs === undefined ? silentMs === undefined : (silentMs ?? 0) >= graceMs
      return isSilent ? { id: worker.id, silentMs } : []
    })
  }

  async #lookForEnded(sql: Sql, others: readonly number[]): Promise<void> {
    const unknown = others.filter((id) => !this.#processes.has(id))
    const found = unknown.length > 0 ? await findWorkerProcesses(sql, unknown) : new Map<number, WorkerProcess>()
    for (const [id, process] of found) this.#processes.set(id, process)
    for (const [id, process] of this.#processes)
      if (process !== ended && (await hasEnded(process, this.#options.worker.process))) this.#processes.set(id, ended)
  }

  #silenceOf(id: number, sign: number | undefined, now: number): SilentWorker | undefined {
    if (this.#processes.get(id) === ended) return { id, silentMs: undefined }
    if (sign !== undefined) return sign >= graceMs && this.#mayJudgeSilence() ? { id, silentMs: sign } : undefined
    const since = this.#missingSince.get(id) ?? now
    return now - since >= this.#options.leaseMs + graceMs ? { id, silentMs: undefined } : undefined
  }

  /** Whether who was missing at the look before, and is now, has been missing all the while on the same connection. */
  #hasWatched(now: number): boolean {
    return now - this.#lookedAt <= lookedRecentlyMs && this.#connectedAt === this.#options.session.connection?.since
  }

  /** Whether the connections of the others are as old as they would be without a failover. */
  #mayJudgeSilence(): boolean {
    const { session, leaseMs } = this.#options
    const { connection } = session
    if (connection === undefined) return false
    const { since, isFirst, server } = connection
    // A process that has just started may have come in the middle of a failover.
    const headStart = isFirst ? (server.promotedAgoMs ?? Number.POSITIVE_INFINITY) : 0
    return performance.now() - since + headStart >= leaseMs
  }

  /** Silence by worker; undefined without a connection, and of a server that does not see our own sign of life. */
  async #readSigns(sql: Sql): Promise<Map<number, number> | undefined> {
    if (this.#options.session.connection === undefined) return undefined
    const signs = new Map((await sql.query<Sign>(signsSql)).map(({ id, silentMs }) => [id, silentMs]))
    return signs.has(this.#options.worker.id) ? signs : undefined
  }
}

const ended = Symbol('a process that has ended')

function keepOnly(map: Map<number, unknown>, ids: readonly number[]): void {
  for (const id of map.keys()) if (!ids.includes(id)) map.delete(id)
}
