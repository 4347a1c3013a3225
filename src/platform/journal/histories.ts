import { randomBytes } from 'node:crypto'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import { historyOf, type Position } from './entry.ts'
import { partitionLock } from './partitions.ts'

interface State {
  /** The number that positions get now. */
  readonly number: number
  /** The server's timeline, which is part of the number. */
  readonly timeline: number
  readonly systemIdentifier: string
  /** The object id of our table: a restored dump has another one. */
  readonly relation: string
  /** What is registered under the number; null: nothing. */
  readonly tag: string | null
  readonly registeredSystem: string | null
  readonly registeredRelation: string | null
  /** The highest number that is registered, or that a position in the journal has. */
  readonly highest: number
  /** Whether the journal holds positions that the next transactions would come before or among. */
  readonly isBehind: boolean
}

const stateSql = `
  SELECT now.number::int AS number, now.timeline::int AS timeline, now.system AS "systemIdentifier", now.relation,
    history.tag, history.system_identifier::text AS "registeredSystem", history.relation::text AS "registeredRelation",
    greatest((SELECT max(number) FROM journal_history), last.xid >> 44)::int AS highest,
    last.xid >= (now.number << 44) + pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS "isBehind"
  FROM (
    SELECT journal_history_number() AS number, ('x' || left(pg_walfile_name('0/1'), 8))::bit(32)::bigint AS timeline,
      (SELECT system_identifier::text FROM pg_control_system()) AS system,
      'journal_history'::regclass::oid::text AS relation
  ) AS now
  CROSS JOIN (SELECT coalesce(max(xid), 0) AS xid FROM journal) AS last
  LEFT JOIN journal_history AS history ON history.number = now.number`

const insertSql = `
  INSERT INTO journal_history (number, tag, system_identifier, relation) VALUES ($1, $2, $3, $4)
  ON CONFLICT (number) DO NOTHING`

const loseSql = 'UPDATE journal_history SET lost_from = least(lost_from, $2) WHERE number = $1'

/**
 * The histories of the journal: stretches of its life that no restore and no failover interrupted. Each has a number,
 * which its positions begin with, and a random tag, which cursors carry.
 *
 * A promoted standby counts on a new timeline, so its positions are those of a new history with its first transaction,
 * before anybody notices. What the timeline doesn't tell is noticed when a process starts or its session connects again: a
 * dump that was restored elsewhere, and two standbys that were promoted to the same timeline one after the other. The base
 * of the numbers is increased then.
 */
export class JournalHistories {
  readonly #sql: Sql
  readonly #transact: Transact
  readonly #tags = new Map<number, string>()

  constructor(options: { sql: Sql; transact: Transact }) {
    this.#sql = options.sql
    this.#transact = options.transact
  }

  /** The tag of a position's history, which {@link verify} has met. */
  tagOf(position: Position): string {
    return this.#tags.get(historyOf(position)) ?? ''
  }

  /** Whether {@link tagOf} knows a position's history. */
  isKnown(position: Position): boolean {
    return this.#tags.has(historyOf(position))
  }

  /** Notes that this entry was read and is lost, so that no process resumes a cursor from there on. */
  async noteLost(position: Position): Promise<void> {
    await this.#transact((tx) => tx.query(loseSql, [historyOf(position), position.xid]))
  }

  /**
   * Registers the history that the database is in now, if it is new, and learns of those that others registered. Returns
   * its number, and whether a history that this process knew was replaced by another one of the same number.
   */
  async verify(): Promise<{ number: number; isReplaced: boolean }> {
    let state = await this.#read(this.#sql)
    const known = this.#tags.get(state.number)
    const isReplaced = known !== undefined && state.tag !== null && known !== state.tag
    if (state.tag === null || isReplaced || mustRenumber(state)) {
      await this.#transact((tx) => this.#register(tx, isReplaced))
      state = await this.#read(this.#sql)
    }
    await this.#load()
    return { number: state.number, isReplaced }
  }

  async #read(sql: Sql): Promise<State> {
    const [state] = await sql.query<State>(stateSql)
    if (state === undefined) throw new Error('The database does not say which history the journal is in.')
    return state
  }

  async #register(tx: Sql, isReplaced: boolean): Promise<void> {
    // Several processes may notice at the same time; the others find that it was done.
    await tx.query('SELECT pg_advisory_xact_lock($1)', [partitionLock])
    const state = await this.#read(tx)
    const known = this.#tags.get(state.number)
    const isStillReplaced = isReplaced && known !== undefined && known !== state.tag
    let { number } = state
    if (isStillReplaced || mustRenumber(state)) {
      number = state.highest + 1
      await renumber(tx, number - state.timeline)
    }
    await tx.query(insertSql, [number, randomBytes(6).toString('base64url'), state.systemIdentifier, state.relation])
  }

  async #load(): Promise<void> {
    const rows = await this.#sql.query<{ number: number; tag: string }>('SELECT number, tag FROM journal_history')
    for (const { number, tag } of rows) this.#tags.set(number, tag)
  }
}

/** Whether the number belongs to other positions already. */
function mustRenumber(state: State): boolean {
  const isForeign =
    state.tag !== null &&
    (state.registeredSystem !== state.systemIdentifier || state.registeredRelation !== state.relation)
  return isForeign || state.isBehind || state.number < state.highest
}

/** From the commit on, positions get numbers that are the timeline and this base. */
async function renumber(tx: Sql, base: number): Promise<void> {
  // Transactions that have numbered their entries by the former base end first, and no later ones begin: nothing can be
  // committed behind readers' backs.
  await tx.script('LOCK TABLE journal IN EXCLUSIVE MODE')
  await tx.script(
    `CREATE OR REPLACE FUNCTION journal_history_number() RETURNS BIGINT LANGUAGE sql STABLE
     AS $$ SELECT ('x' || left(pg_walfile_name('0/1'), 8))::bit(32)::bigint + ${base} $$`,
  )
}
