import type pg from 'pg'
import { appendEntries } from '#platform/journal/append.ts'
import type { NewEntry } from '#platform/journal/entry.ts'
import { type Sql, statementName } from './sql.ts'

/** One commit: the change, the journal entries that tell of it, and the jobs that follow from it. */
export interface Transaction extends Sql {
  /** Notes what happened; written in order, at the end of this transaction. */
  journal(entry: NewEntry): void
  /**
   * Lets the transaction go on before a statement that was issued already has its answer; the commit waits for it, and
   * fails with it.
   */
  beside(statement: Promise<unknown>): void
  /** The same transaction as pg-boss takes it. */
  readonly jobs: { executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> }
}

export type Transact = <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>

/** SQLSTATEs after which PostgreSQL asks to try the whole transaction again: serialization failure and deadlock. */
const repeatable = new Set(['40001', '40P01'])
const maxTries = 4

/**
 * Makes the function that runs work in a transaction: committed when `work` resolves, rolled back when it throws,
 * run again when the database breaks a deadlock, so `work` must have no effect but through `tx`.
 * `onCommit` is called after each commit, with whether the journal has grown. `repair` may remove the cause of a failure;
 * where it says that it has, the work is run again.
 */
export function createTransact(
  pool: pg.Pool,
  onCommit: (journalGrew: boolean) => void,
  repair: (error: unknown) => Promise<boolean> = async () => false,
): Transact {
  return async (work) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { result, journalGrew } = await runOnce(pool, work)
        onCommit(journalGrew)
        return result
      } catch (error) {
        if (attempt === maxTries) throw error
        if (!repeatable.has((error as { code?: string }).code ?? '') && !(await repair(error))) throw error
      }
    }
  }
}

/**
 * A write finds its rows by their keys. Tables that fill and empty within seconds, such as the queue's, never have
 * statistics that are true: left to them, the planner reads a table of 50,000 rows once for each of 500 jobs.
 */
const begin = 'BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off'

async function runOnce<T>(pool: pg.Pool, work: (tx: Transaction) => Promise<T>) {
  const client = await pool.connect()
  const entries: NewEntry[] = []
  const besides: Promise<unknown>[] = []
  let broken: Error | undefined
  try {
    // The connection is pipelined: what need not wait for an answer goes out with what precedes it.
    const tx = asTransaction(client, entries, besides)
    tx.beside(client.query(begin))
    const result = await work(tx)
    const [committed] = await Promise.all([appendAndCommit(client, tx, entries), ...besides])
    if (committed.command !== 'COMMIT')
      throw new Error('The transaction was rolled back, because one of its statements had failed.')
    return { result, journalGrew: entries.length > 0 }
  } catch (error) {
    broken = await rollback(client)
    await Promise.allSettled(besides)
    throw error
  } finally {
    client.release(broken)
  }
}

async function appendAndCommit(client: pg.PoolClient, tx: Sql, entries: readonly NewEntry[]): Promise<pg.QueryResult> {
  const [, committed] = await Promise.all([appendEntries(tx, entries), client.query('COMMIT')])
  return committed
}

function asTransaction(client: pg.PoolClient, entries: NewEntry[], besides: Promise<unknown>[]): Transaction {
  return {
    async query<Row>(text: string, values: readonly unknown[] = []) {
      const result = await client.query({ name: statementName(text), text, values: [...values] })
      return result.rows as Row[]
    },
    async script(text) {
      await client.query(text)
    },
    journal: (entry) => void entries.push(entry),
    beside(statement) {
      // Whoever waits for the commit hears of a failure; until then it is nobody's unhandled one.
      statement.catch(() => {})
      besides.push(statement)
    },
    // pg-boss's texts are constant for each queue, and long: planning them anew costs more than running them.
    jobs: { executeSql: (text, values = []) => client.query({ name: statementName(text), text, values }) },
  }
}

/** Rolls back; what is returned says that the connection is of no more use. */
async function rollback(client: pg.PoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
