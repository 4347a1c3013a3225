import type { Sql } from '#platform/database/sql.ts'

const addSql = `
  INSERT INTO journal_usage AS known (account_id, day, bytes)
  SELECT account_id, (now() AT TIME ZONE 'UTC')::date, bytes FROM unnest($1::uuid[], $2::bigint[]) AS added (account_id, bytes)
  ORDER BY account_id
  ON CONFLICT (account_id, day) DO UPDATE SET bytes = known.bytes + excluded.bytes`

/**
 * How many bytes each account appends to the journal, added up in memory and saved by {@link flush}: an append needs no
 * statement of its own. What a process has not saved when it is killed stays uncounted.
 */
export class JournalUsage {
  readonly #sql: Pick<Sql, 'query'>
  #unsaved = new Map<string, number>()
  #saving: Promise<void> = Promise.resolve()

  constructor(sql: Pick<Sql, 'query'>) {
    this.#sql = sql
  }

  /** Counts what a transaction has committed: bytes by account. */
  add(appended: ReadonlyMap<string, number>): void {
    for (const [accountId, bytes] of appended) this.#unsaved.set(accountId, (this.#unsaved.get(accountId) ?? 0) + bytes)
  }

  /** Resolves when everything that was added before the call is saved; when saving fails, it is kept for the next time. */
  flush(): Promise<void> {
    this.#saving = this.#saving.then(
      () => this.#save(),
      () => this.#save(),
    )
    return this.#saving
  }

  async #save(): Promise<void> {
    const appended = this.#unsaved
    if (appended.size === 0) return
    this.#unsaved = new Map()
    try {
      await this.#sql.query(addSql, [[...appended.keys()], [...appended.values()]])
    } catch (error) {
      this.add(appended)
      throw error
    }
  }
}
