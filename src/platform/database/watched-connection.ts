import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** How long the other end may take for an answer, in milliseconds; then the connection counts as lost. */
const answerMs = 5_000

/** Nobody answered on a connection in time: it leads nowhere, though nobody has ended it. */
class ConnectionSilent extends Error {
  constructor() {
    super(`The database has not answered for ${answerMs} ms.`)
  }
}

export interface WatchedConnectionOptions {
  readonly url: string
  readonly applicationName: string
  readonly onNotify: (channel: string, payload: string) => void
  /** Called once when the connection ends, whatever the reason, unless {@link WatchedConnection.close} asked for it. */
  readonly onEnd: (reason: 'ended' | 'silent') => void
}

/**
 * A connection that notices within seconds when nobody is at its other end any more: each statement has a deadline,
 * also while the connection is being made. Statements are sent at once, and none waits here for another's answer.
 */
export class WatchedConnection {
  readonly #client: pg.Client
  readonly #onEnd: (reason: 'ended' | 'silent') => void
  #isOpen = false
  #isOver = false

  /** Connects. @throws what the database says @throws {ConnectionSilent} */
  static async open(options: WatchedConnectionOptions): Promise<WatchedConnection> {
    const connection = new WatchedConnection(options)
    try {
      await connection.#inTime(connection.#client.connect())
      connection.#isOpen = true
      return connection
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  private constructor({ url, applicationName, onNotify, onEnd }: WatchedConnectionOptions) {
    this.#onEnd = onEnd
    this.#client = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      keepAlive: true,
      pipeline: true,
    })
    this.#client.on('error', () => this.#over('ended'))
    this.#client.on('end', () => this.#over('ended'))
    this.#client.on('notification', ({ channel, payload }) => onNotify(channel, payload ?? ''))
  }

  /** Whether it has ended, or was given up. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Runs one statement. @throws what the database says @throws {ConnectionSilent} which also ends the connection. */
  async ask<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.#inTime(this.#client.query(text, [...values]))).rows as Row[]
  }

  /** Hears what is notified on a channel from now on. */
  async listen(channel: string): Promise<void> {
    await this.ask(`LISTEN ${this.#client.escapeIdentifier(channel)}`)
  }

  /** Ends it without a word to anyone. */
  destroy(): void {
    this.#isOver = true
    this.#client.end().catch(() => {})
    // What waits for an answer would keep a polite end waiting.
    this.#client.connection.stream.destroy()
  }

  /** Ends it, and waits until it has ended. */
  async close(): Promise<void> {
    this.#isOver = true
    await Promise.race([this.#client.end(), sleep(answerMs, undefined, { ref: false })])
    this.#client.connection.stream.destroy()
  }

  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const silence = Promise.withResolvers<never>()
    // In a turn of its own, after what had arrived was read: a process that was busy blames no connection for it.
    const timer = setTimeout(() => setImmediate(() => silence.reject(new ConnectionSilent())), answerMs)
    try {
      return await Promise.race([answer, silence.promise])
    } catch (error) {
      if (error instanceof ConnectionSilent) this.#over('silent')
      throw error
    } finally {
      clearTimeout(timer)
      answer.catch(() => {})
    }
  }

  #over(reason: 'ended' | 'silent'): void {
    if (this.#isOver) return
    this.destroy()
    if (this.#isOpen) this.#onEnd(reason)
  }
}
