import type pg from 'pg'
import { appendEntries } from '#platform/journal/append.ts'
import type { NewEntry } from '#platform/journal/entry.ts'
import { canWrite, type Sql, statementOf } from './sql.ts'

/** One commit: the change, the journal entries about it, and the jobs that follow from it. */
export interface Transaction extends Sql {
  /** Notes what happened; written in order, at the end of this transaction. */
  journal(entry: NewEntry): void
  /** Lets this transaction commit what it writes without a journal entry; `reason` says what that is, if not history. */
  quiet(reason: string): void
  /**
   * Lets the transaction go on before a statement that was issued already has its answer; the commit waits for it, and
   * fails with it.
   */
  beside(statement: Promise<unknown>): void
  /** The same transaction as pg-boss takes it. */
  readonly jobs: { executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> }
}

export interface Transact {
  /** @throws {NothingJournaled} when rows were written and no entry says why; nothing is committed then. */
  <T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /**
   * Transactions that may write without a journal entry, because what they write is not history: a cursor, a counter, a
   * lease. `reason` says which.
   */
  quiet(reason: string): Transact
}

/** A transaction has changed rows, and nothing in the journal says so: a bug of ours, never of the caller. */
export class NothingJournaled extends Error {
  override readonly name = 'NothingJournaled'
  constructor(statement: string) {
    super(
      'A transaction wrote rows and journaled nothing, so it was rolled back. Journal what happened, or open it with ' +
        `transact.quiet(reason) if it is not history. It ran: ${statement.trim().replace(/\s+/g, ' ').slice(0, 200)}`,
    )
  }
}

/** SQLSTATEs after which PostgreSQL asks to try the whole transaction again: serialization failure and deadlock. */
const repeatable = new Set(['40001', '40P01'])
const maxTries = 4

/**
 * Makes the function that runs work in a transaction: committed when `work` resolves, rolled back when it throws,
 * run again when the database breaks a deadlock, so `work` must have no effect but through `tx`.
 * `onCommit` is called after each commit, with the entries that it added to the journal, and their bytes by account.
 * `repair` may remove the cause of a failure; where it says that it has, the work is run again.
 */
export function createTransact(
  pool: pg.Pool,
  onCommit: (entries: readonly NewEntry[], journaledBytes: ReadonlyMap<string, number>) => void,
  repair: (error: unknown) => Promise<boolean> = async () => false,
): Transact {
  const run: RunTransaction = async (work) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { result, entries, journaledBytes } = await runOnce(pool, work)
        onCommit(entries, journaledBytes)
        return result
      } catch (error) {
        if (attempt === maxTries) throw error
        if (!repeatable.has((error as { code?: string }).code ?? '') && !(await repair(error))) throw error
      }
    }
  }
  return asTransact(run)
}

type RunTransaction = <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>

/** Gives a function that runs transactions its quiet form. */
export function asTransact(run: RunTransaction): Transact {
  const quiet = (reason: string): Transact =>
    asTransact((work) =>
      run((tx) => {
        tx.quiet(reason)
        return work(tx)
      }),
    )
  return Object.assign(((work) => run(work)) as RunTransaction, { quiet })
}

/**
 * A write finds its rows by their keys. Tables that fill and empty within seconds, such as the queue's, never have
 * statistics that are true: left to them, the planner reads a table of 50,000 rows once for each of 500 jobs.
 */
const begin = 'BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off'

/** What a transaction has done so far. */
interface Progress {
  readonly entries: NewEntry[]
  readonly besides: Promise<unknown>[]
  /** Why no entry is needed. */
  quiet: string | undefined
  /** Whether a statement was issued that can change rows; what it has changed may not be known yet. */
  mayHaveWritten: boolean
  /** The first statement that is known to have changed rows. */
  written: string | undefined
}

async function runOnce<T>(pool: pg.Pool, work: (tx: Transaction) => Promise<T>) {
  const client = await pool.connect()
  const progress: Progress = {
    entries: [],
    besides: [],
    quiet: undefined,
    mayHaveWritten: false,
    written: undefined,
  }
  const { entries, besides } = progress
  let broken: Error | undefined
  try {
    // The connection is pipelined: what need not wait for an answer goes out with what precedes it.
    const tx = asTransaction(client, progress)
    tx.beside(client.query(begin))
    const result = await work(tx)
    await mustBeJournaled(progress)
    const [{ committed, journaledBytes }] = await Promise.all([appendAndCommit(client, tx, entries), ...besides])
    if (committed.command !== 'COMMIT')
      throw new Error('The transaction was rolled back, because one of its statements had failed.')
    return { result, entries, journaledBytes }
  } catch (error) {
    broken = await rollback(client)
    throw causeOf(error, await Promise.allSettled(besides))
  } finally {
    client.release(broken)
  }
}

/** PostgreSQL refuses so all that follows a failed statement. */
const refusedInFailed = '25P02'

/** Why a transaction failed: a statement beside the others may have, and then the next one only says that one did. */
function causeOf(error: unknown, besides: readonly PromiseSettledResult<unknown>[]): unknown {
  const isConsequence = (failure: unknown) => (failure as { code?: string } | undefined)?.code === refusedInFailed
  if (!isConsequence(error)) return error
  const failures = besides.flatMap((settled) => (settled.status === 'rejected' ? [settled.reason as unknown] : []))
  return failures.find((failure) => !isConsequence(failure)) ?? error
}

/** Costs nothing where something was journaled; elsewhere the answers to writes that are still under way. */
async function mustBeJournaled(progress: Progress): Promise<void> {
  if (progress.entries.length > 0 || progress.quiet !== undefined || !progress.mayHaveWritten) return
  await Promise.all(progress.besides)
  if (progress.written !== undefined) throw new NothingJournaled(progress.written)
}

async function appendAndCommit(client: pg.PoolClient, tx: Sql, entries: readonly NewEntry[]) {
  const [journaledBytes, committed] = await Promise.all([appendEntries(tx, entries), client.query('COMMIT')])
  return { committed, journaledBytes }
}

function asTransaction(client: pg.PoolClient, progress: Progress): Transaction {
  async function run(text: string, values: readonly unknown[]): Promise<pg.QueryResult> {
    const { name, writes } = statementOf(text)
    progress.mayHaveWritten ||= writes
    const result = await client.query({ name, text, values: [...values] })
    if (writes && (result.rowCount ?? 0) > 0) progress.written ??= text
    return result
  }

  return {
    async query<Row>(text: string, values: readonly unknown[] = []) {
      return (await run(text, values)).rows as Row[]
    },
    async script(text) {
      progress.mayHaveWritten ||= canWrite(text)
      await client.query(text)
      if (canWrite(text)) progress.written ??= text
    },
    journal: (entry) => void progress.entries.push(entry),
    quiet: (reason) => {
      progress.quiet ??= reason
    },
    beside(statement) {
      // A failure is reported by the commit, which waits for it; until then it must not count as unhandled.
      statement.catch(() => {})
      progress.besides.push(statement)
    },
    // pg-boss's texts are constant for each queue, and long: planning them again costs more than running them.
    jobs: { executeSql: (text, values = []) => run(text, values) },
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
