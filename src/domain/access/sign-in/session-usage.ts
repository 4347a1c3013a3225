import type { Caller, RequestOrigin } from '#domain/access/caller.ts'
import type { Sql } from '#platform/database/sql.ts'
import { noteSessionUse, type SessionUse } from './session-store.ts'

const maxAtOnce = 1_000

/** When and from where people use what they are signed in with, gathered in memory and written down now and then. */
export class SessionUsage {
  readonly #sql: Sql
  #uses = new Map<string, SessionUse>()

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /** Notes a request that was admitted with a session. */
  note(
    { accountId, credential }: Pick<Caller, 'accountId' | 'credential'>,
    { address, userAgent }: RequestOrigin,
  ): void {
    const { kind, id } = credential
    if (kind === 'session') this.#uses.set(id, { accountId, id, at: new Date(), address, userAgent })
  }

  /** Writes down what was gathered. */
  async flush(): Promise<void> {
    // Always in the same order, so that two processes don't wait for each other.
    const uses = [...this.#uses.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    this.#uses = new Map()
    for (let start = 0; start < uses.length; start += maxAtOnce)
      await noteSessionUse(this.#sql, uses.slice(start, start + maxAtOnce))
  }
}
