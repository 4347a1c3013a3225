import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from '#platform/telemetry/log.ts'

export interface SessionOptions {
  readonly url: string
  /** Channels to listen on. */
  readonly channels: readonly string[]
  readonly onNotify: (channel: string, payload: string) => void
  /** After each (re)connection: hints may have been missed. */
  readonly onConnect: () => void
  readonly log: Logger
}

/** First key of this program's advisory locks that are signs of life, so that they can't meet other ones. */
const aliveLock = 0x5b0c

const holdAliveSql = 'SELECT pg_advisory_lock($1, $2)'

/** Nobody else has this id: who still holds it is a connection of ours that broke without the database's knowing. */
const endFormerSql = `
  SELECT pg_terminate_backend(pid) FROM pg_locks
  WHERE locktype = 'advisory' AND granted AND classid = $1::int::oid AND objid = $2::int::oid
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

/** A connection that is dead without a word is noticed within about twice this time. */
const heartbeatMs = 5_000

const reconnectDelaysMs = [50, 100, 250, 500, 1_000]

/**
 * The one connection that this process keeps for itself: it hears notifications, and holds an advisory lock that the
 * database drops the moment the process is gone, also after kill -9. It reconnects by itself, for ever.
 */
export class DatabaseSession {
  readonly #options: SessionOptions
  #client: pg.Client | undefined
  #closed = false
  #aliveId: number | undefined
  #turn: Promise<void> = Promise.resolve()
  #reconnecting: Promise<void> | undefined
  #heartbeat: NodeJS.Timeout | undefined

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** Connects for the first time. @throws what the database says, when it can't. */
  async open(): Promise<void> {
    await this.#connect()
    this.#heartbeat = setInterval(() => void this.#beat(), heartbeatMs)
  }

  async #beat(): Promise<void> {
    const client = this.#client
    try {
      await this.#inTurn((current) => current.query('SELECT 1'))
    } catch {
      // Its end is what starts the reconnection.
      if (client !== undefined) this.#lost(client)
      client?.end().catch(() => {})
    }
  }

  get connected(): boolean {
    return this.#client !== undefined
  }

  /** Holds the sign of life of this id from now on, across reconnections. */
  async holdAlive(id: number): Promise<void> {
    this.#aliveId = id
    await this.#inTurn((client) => client.query(holdAliveSql, [aliveLock, id]))
  }

  /** Sends a notification; quietly not, while there is no connection: notifications are hints. */
  notify(channel: string, payload: string): void {
    this.#inTurn((client) => client.query('SELECT pg_notify($1, $2)', [channel, payload])).catch((error: unknown) => {
      this.#options.log.debug({ err: error, channel }, 'a notification was not sent')
    })
  }

  /** A connection takes one statement at a time. */
  #inTurn(run: (client: pg.Client) => Promise<unknown>): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (this.#client !== undefined) await run(this.#client)
    })
    this.#turn = turn.catch(() => {})
    return turn
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#heartbeat)
    await this.#reconnecting
    const client = this.#client
    await this.#turn
    this.#client = undefined
    await client?.end()
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      application_name: 'signalbox session',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      query_timeout: heartbeatMs,
    })
    client.on('error', () => this.#lost(client))
    client.on('end', () => this.#lost(client))
    client.on('notification', ({ channel, payload }) => this.#options.onNotify(channel, payload ?? ''))
    try {
      await client.connect()
      await this.#prepare(client)
    } catch (error) {
      // Left alone it would get the lock in the end, and keep it from every later connection.
      client.end().catch(() => {})
      throw error
    }
    this.#client = client
    this.#options.onConnect()
  }

  async #prepare(client: pg.Client): Promise<void> {
    if (this.#aliveId !== undefined) {
      await client.query(endFormerSql, [aliveLock, this.#aliveId])
      await client.query(holdAliveSql, [aliveLock, this.#aliveId])
    }
    for (const channel of this.#options.channels) await client.query(`LISTEN ${client.escapeIdentifier(channel)}`)
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client || this.#closed) return
    this.#client = undefined
    this.#options.log.warn('the database connection for notifications was lost; reconnecting')
    this.#reconnecting = this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    for (let attempt = 0; !this.#closed; attempt += 1) {
      await sleep(reconnectDelaysMs[Math.min(attempt, reconnectDelaysMs.length - 1)])
      if (this.#closed) return
      try {
        await this.#connect()
        this.#options.log.info('the database connection for notifications is back')
        return
      } catch (error) {
        this.#options.log.debug({ err: error }, 'no database connection yet')
      }
    }
  }
}

/** Ids whose sign of life is held now; for `WHERE … NOT IN (…)`. */
export const aliveIdsSql = `
  SELECT objid::int AS objid FROM pg_locks
  WHERE locktype = 'advisory' AND granted AND classid = ${aliveLock}
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
