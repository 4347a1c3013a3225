import type { Sql } from './sql.ts'

/**
 * A value that is read once for all callers that need it at the same time. A caller may wait for a read under way only
 * when that read uses its own connection: a transaction that waits for somebody else's read holds a connection while the
 * read may be waiting for one.
 */
export class SharedRead<Value> {
  readonly value: Promise<Value>
  readonly #sql: Sql
  #isDone = false

  constructor(sql: Sql, read: () => Promise<Value>) {
    this.#sql = sql
    this.value = read().finally(() => {
      this.#isDone = true
    })
  }

  /** Whether a caller that reads through this connection, or pool, may wait for the value. */
  isFor(sql: Sql): boolean {
    return this.#isDone || this.#sql === sql
  }
}
