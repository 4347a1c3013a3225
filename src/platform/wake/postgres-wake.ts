import type { DatabaseSession } from '#platform/database/session.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { Wake } from './wake.ts'

const notifySql = 'SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS hint (channel, payload)'

/** Hints that may wait while others are being sent; the newest matter most. */
const maxPending = 200

/** Hints by `LISTEN` and `NOTIFY`, over the one connection that this process keeps for itself. */
export class PostgresWake implements Wake {
  readonly #session: DatabaseSession
  readonly #log: Logger
  readonly #pending = new Map<string, { readonly channel: string; readonly text: string }>()
  #sending: Promise<void> | undefined

  constructor({ session, log }: { session: DatabaseSession; log: Logger }) {
    this.#session = session
    this.#log = log
  }

  send(channel: string, text: string): void {
    if (this.#session.connection === undefined) return
    const key = JSON.stringify([channel, text])
    this.#pending.delete(key)
    const [oldest] = this.#pending.keys()
    if (this.#pending.size >= maxPending && oldest !== undefined) this.#pending.delete(oldest)
    this.#pending.set(key, { channel, text })
    this.#sending ??= this.#sendPending().finally(() => {
      this.#sending = undefined
    })
  }

  listen(channel: string, listener: (text: string) => void): void {
    this.#session.listen(channel, listener)
  }

  /** One statement at a time, with all that has gathered meanwhile: each takes a lock of the whole database server. */
  async #sendPending(): Promise<void> {
    while (this.#pending.size > 0) {
      const hints = [...this.#pending.values()]
      this.#pending.clear()
      try {
        await this.#session.ask(notifySql, [hints.map(({ channel }) => channel), hints.map(({ text }) => text)])
      } catch (error) {
        this.#log.debug({ err: error }, 'notifications were not sent')
      }
    }
  }
}
