import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#platform/telemetry/log.ts'
import { type DatabaseServer, inspectServer } from './database-server.ts'
import { WatchedConnection } from './watched-connection.ts'

export interface SessionOptions {
  readonly url: string
  /** After each (re)connection: hints may have been missed, and it may be another server. */
  readonly onConnect: (server: DatabaseServer) => void
  /** The connection was lost: ended from outside, or silent, in which case others of this process may be so as well. */
  readonly onLost?: (reason: 'ended' | 'silent') => void
  /** After how long the database gives the session up, and its locks, when this machine can't be reached. */
  readonly patienceMs: number
  readonly log: Logger
}

/** What is known of the connection that a session has now. */
export interface SessionConnection {
  readonly server: DatabaseServer
  /** When it was opened, on the clock of `performance.now()`. */
  readonly since: number
  /** Whether the session had no connection before it. */
  readonly isFirst: boolean
}

/** First key of this program's advisory locks that are signs of life, so that they can't meet other ones. */
export const aliveLock = 0x5b0c

const holdAliveSql = 'SELECT pg_advisory_lock($1, $2)'

/** Nobody else has this id: who still holds it is a connection of ours that broke without the database's knowing. */
const endFormerSql = `
  SELECT pg_terminate_backend(pid) FROM pg_locks
  WHERE locktype = 'advisory' AND granted AND classid = $1::int::oid AND objid = $2::int::oid
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

/** How often the connection is tried; others see in the database when it was last, and take it for a sign of life. */
const heartbeatMs = 1_000

const reconnectDelaysMs = [50, 100, 250, 500, 1_000]

/**
 * The one connection that this process keeps for itself: it hears notifications, and holds an advisory lock that the
 * database drops the moment the process is gone, also after kill -9. It reconnects by itself, for ever, and accepts
 * only a primary. A connection that is dead without a word is noticed within about six seconds, whatever the load.
 */
export class DatabaseSession {
  readonly #options: SessionOptions
  #link: WatchedConnection | undefined
  #connection: SessionConnection | undefined
  #lostAt: number | undefined
  #closed = false
  #aliveId: number | undefined
  readonly #listeners = new Map<string, (payload: string) => void>()
  #beating: Promise<void> | undefined
  #reconnecting: Promise<void> | undefined
  #heartbeat: NodeJS.Timeout | undefined

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** Connects for the first time. @throws what the database says, when it can't. */
  async open(): Promise<void> {
    await this.#connect()
    this.#heartbeat = setInterval(() => this.check(), heartbeatMs)
  }

  /** The connection that it has now; undefined while there is none. */
  get connection(): SessionConnection | undefined {
    return this.#connection
  }

  /** For how long there has been no connection, in milliseconds; 0 while there is one. */
  get lostForMs(): number {
    return this.#lostAt === undefined ? 0 : performance.now() - this.#lostAt
  }

  /** Holds the sign of life of this id from now on, across reconnections. */
  async holdAlive(id: number): Promise<void> {
    await this.#reconnecting
    this.#aliveId = id
    await this.#link?.ask(holdAliveSql, [aliveLock, id])
  }

  /** Calls `listener` with what is notified on a channel, across reconnections. Called before {@link open}. */
  listen(channel: string, listener: (payload: string) => void): void {
    this.#listeners.set(channel, listener)
  }

  /** Runs one statement. @throws what the database says, also that there is no connection. */
  async ask<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    if (this.#link === undefined) throw new Error('There is no connection to the database.')
    return this.#link.ask(text, values)
  }

  /** Tries the connection now, for a reason to doubt it. */
  check(): void {
    const link = this.#link
    if (link === undefined || this.#beating !== undefined) return
    this.#beating = this.#beat(link).finally(() => {
      this.#beating = undefined
    })
  }

  /** Gives the connection up and makes another one, since the address leads to another server by now. */
  renew(): void {
    const link = this.#link
    if (link === undefined) return
    link.destroy()
    this.#lost(link, 'ended')
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#heartbeat)
    await this.#reconnecting
    const link = this.#link
    this.#link = undefined
    this.#connection = undefined
    await link?.close()
  }

  async #beat(link: WatchedConnection): Promise<void> {
    try {
      const [row] = await link.ask<{ isStandby: boolean }>('SELECT pg_is_in_recovery() AS "isStandby"')
      if (row?.isStandby === false) return
    } catch (error) {
      this.#options.log.debug({ err: error }, 'the database connection for notifications does not answer')
    }
    link.destroy()
    this.#lost(link, 'ended')
  }

  async #connect(): Promise<void> {
    const { url, onConnect } = this.#options
    const link = await WatchedConnection.open({
      url,
      applicationName: 'signalbox session',
      onNotify: (channel, payload) => this.#listeners.get(channel)?.(payload),
      onEnd: (reason) => this.#lost(link, reason),
    })
    try {
      const server = await this.#prepare(link)
      if (link.isOver) throw new Error('The connection ended while it was being prepared.')
      this.#connection = { server, since: performance.now(), isFirst: this.#lostAt === undefined }
      this.#link = link
      this.#lostAt = undefined
      onConnect(server)
    } catch (error) {
      // Left alone it would get the lock in the end, and keep it from every later connection.
      link.destroy()
      throw error
    }
  }

  async #prepare(link: WatchedConnection): Promise<DatabaseServer> {
    const server = await inspectServer((text, values) => link.ask(text, values), this.#options.patienceMs)
    if (this.#aliveId !== undefined) {
      await link.ask(endFormerSql, [aliveLock, this.#aliveId])
      await link.ask(holdAliveSql, [aliveLock, this.#aliveId])
    }
    for (const channel of this.#listeners.keys()) await link.listen(channel)
    return server
  }

  #lost(link: WatchedConnection, reason: 'ended' | 'silent'): void {
    if (this.#link !== link || this.#closed) return
    this.#link = undefined
    this.#connection = undefined
    this.#lostAt = performance.now()
    this.#options.log.warn({ reason }, 'the database connection for notifications was lost; reconnecting')
    this.#options.onLost?.(reason)
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
