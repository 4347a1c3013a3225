import { prefixPattern } from '#platform/database/like.ts'
import type { Sql } from '#platform/database/sql.ts'
import {
  type Actor,
  beginningOf,
  historyOf,
  type JournalEntry,
  type JournalRecord,
  type Origin,
  type Position,
} from './entry.ts'

interface EntryRow {
  xid: string
  seq: string
  at: Date
  account_id: string
  type: string
  subject: string
  actor: Actor
  data: Record<string, unknown>
}

function toEntry(row: EntryRow): JournalEntry {
  const { xid, seq, at, account_id: accountId, type, subject, actor, data } = row
  return { xid: BigInt(xid), seq: BigInt(seq), at, accountId, type, subject, actor, data }
}

const columns = 'xid, seq, at, account_id, type, subject, actor, data'

// Everything below the oldest running transaction has ended, so nothing can appear there any more. Rows above it are
// visible already, but an earlier one may still be missing: they only tell that it is worth looking again soon.
const nextEntries = `
  SELECT ${columns}, xid < greatest(journal_horizon(), $3) AS settled FROM journal
  WHERE (xid, seq) > ($1, $2) ORDER BY xid, seq LIMIT $4`

/**
 * Entries of all accounts after a position, as far as commit order is final, which it is at least up to `horizon`; `more`
 * says that others wait to become so.
 */
export async function readNext(
  sql: Sql,
  after: Position,
  horizon: bigint,
  limit: number,
): Promise<{ entries: JournalEntry[]; more: 'now' | 'soon' | 'no' }> {
  const rows = await sql.query<EntryRow & { settled: boolean }>(nextEntries, [after.xid, after.seq, horizon, limit])
  const firstOpen = rows.findIndex((row) => !row.settled)
  const settled = firstOpen === -1 ? rows : rows.slice(0, firstOpen)
  const more = firstOpen !== -1 ? 'soon' : rows.length === limit ? 'now' : 'no'
  return { entries: settled.map(toEntry), more }
}

/** Of which entries a record is wanted. */
export interface JournalFilter {
  /** Types that are wanted although the system did it by itself: they begin with one of these. */
  readonly prefixes: readonly string[]
  /** Excluded types, regardless of the actor. */
  readonly excludedTypes: readonly string[]
}

const recorded = `(origin IS NOT NULL OR type LIKE ANY ($1)) AND NOT type = ANY($2)`

const nextRecords = `
  SELECT ${columns}, origin FROM journal
  WHERE ${recorded} AND (xid, seq) > ($3, $4) AND (xid, seq) <= ($5, $6)
  ORDER BY xid, seq LIMIT $7`

/** Records of all accounts between two positions, in commit order. */
export async function readRecords(
  sql: Sql,
  { prefixes, excludedTypes }: JournalFilter,
  { after, upTo }: { readonly after: Position; readonly upTo: Position },
  limit: number,
): Promise<JournalRecord[]> {
  const values = [prefixes.map(prefixPattern), excludedTypes, after.xid, after.seq, upTo.xid, upTo.seq, limit]
  const rows = await sql.query<EntryRow & { origin: Origin | null }>(nextRecords, values)
  return rows.map((row) => ({ ...toEntry(row), origin: row.origin ?? undefined }))
}

const waitingRecords = `
  SELECT count(*)::int AS count,
    coalesce(max(extract(epoch FROM clock_timestamp() - at)) * 1000, 0)::float8 AS "ageMs"
  FROM (SELECT at FROM journal WHERE ${recorded} AND (xid, seq) > ($3, $4) ORDER BY xid, seq LIMIT $5) AS waiting`

/** Records behind a position: how many, at most `limit`, and by the database's clock how old the oldest of them is. */
export async function readWaitingRecords(
  sql: Pick<Sql, 'query'>,
  { prefixes, excludedTypes }: JournalFilter,
  after: Position,
  limit: number,
): Promise<{ count: number; ageMs: number }> {
  const values = [prefixes.map(prefixPattern), excludedTypes, after.xid, after.seq, limit]
  const [row] = await sql.query<{ count: number; ageMs: number }>(waitingRecords, values)
  return { count: row?.count ?? 0, ageMs: Math.max(0, row?.ageMs ?? 0) }
}

const lastSettled = `
  SELECT xid, seq FROM (
    SELECT * FROM journal_end()
    UNION ALL
    SELECT * FROM (SELECT xid, seq FROM journal WHERE xid < $1 ORDER BY xid DESC, seq DESC LIMIT 1) AS settled
  ) AS known ORDER BY xid DESC, seq DESC LIMIT 1`

/** The last entry whose order is final, which it is at least up to `horizon`; the last that was dropped if there is none. */
export async function readEnd(sql: Pick<Sql, 'query'>, horizon = 0n): Promise<Position> {
  const [row] =
    horizon === 0n
      ? await sql.query<PositionRow>('SELECT xid, seq FROM journal_end()')
      : await sql.query<PositionRow>(lastSettled, [horizon])
  return toPosition(row)
}

/** A position as a row has it. */
export interface PositionRow {
  readonly xid: string
  readonly seq: string
}

export function toPosition(row: PositionRow | undefined): Position {
  return { xid: BigInt(row?.xid ?? 0), seq: BigInt(row?.seq ?? 0) }
}

const lastBefore = `
  SELECT xid, seq FROM (
    SELECT * FROM (SELECT xid, seq FROM journal WHERE (xid, seq) < ($1, $2) ORDER BY xid DESC, seq DESC LIMIT 1) AS last
    UNION ALL SELECT xid, seq FROM journal_pruned
  ) AS known ORDER BY xid DESC, seq DESC LIMIT 1`

/** The last entry in front of a position. */
export async function readLastBefore(sql: Sql, { xid, seq }: Position): Promise<Position> {
  return toPosition((await sql.query<PositionRow>(lastBefore, [xid, seq]))[0])
}

const bounds = `
  SELECT xid, seq, EXISTS (SELECT 1 FROM journal WHERE (xid, seq) >= ($1, $2) AND xid < $3) AS reached,
    (SELECT lost_from FROM journal_history WHERE number = $4) AS "lostFrom", journal_history_number()::int AS current
  FROM journal_pruned`

/** What is left of the journal around a position. */
interface Bounds {
  /** Up to where the journal was dropped. */
  readonly pruned: Position
  /** Whether the position's own history has an entry there or later, and nothing in front of that is known to be lost. */
  readonly isReached: boolean
  /** The number of the history that the database is in now. */
  readonly current: number
}

export async function readBounds(sql: Sql, position: Position): Promise<Bounds> {
  const history = historyOf(position)
  const values = [position.xid, position.seq, beginningOf(history + 1).xid, history]
  const [row] = await sql.query<BoundsRow>(bounds, values)
  const isLost = row?.lostFrom != null && position.xid >= BigInt(row.lostFrom)
  return { pruned: toPosition(row), isReached: row?.reached === true && !isLost, current: row?.current ?? 0 }
}

interface BoundsRow extends PositionRow {
  readonly reached: boolean
  readonly lostFrom: string | null
  readonly current: number
}

/** Which of these transactions, in ascending order, have entries. */
export async function readExisting(sql: Sql, xids: readonly bigint[]): Promise<Set<bigint>> {
  const text = 'SELECT DISTINCT xid FROM journal WHERE xid >= $1 AND xid <= $2'
  const rows = await sql.query<{ xid: string }>(text, [xids[0], xids.at(-1)])
  return new Set(rows.map(({ xid }) => BigInt(xid)))
}

/** Up to where the journal has been dropped. */
export async function readPruned(sql: Sql): Promise<Position> {
  return toPosition((await sql.query<PositionRow>('SELECT xid, seq FROM journal_pruned'))[0])
}

export interface HistoryQuery {
  readonly accountId: string
  /** Exact types and families such as `task.*`; all when absent. */
  readonly types?: readonly string[] | undefined
  readonly excludedTypes?: readonly string[] | undefined
  readonly subject?: string | undefined
}

// Two statements, so that each has the index that fits it.
const history = (subject: string) => `
  SELECT ${columns} FROM journal
  WHERE account_id = $1 AND (xid, seq) > ($2, $3) AND (xid, seq) <= ($4, $5)
    AND ($6::text[] IS NULL OR type = ANY($6) OR type LIKE ANY($7)) AND NOT type = ANY($8) ${subject}
  ORDER BY xid, seq LIMIT $9`
const historyOfAccount = history('')
const historyOfSubject = history('AND subject = $10')

/** One account's entries after a position up to another one, oldest first. */
export async function readHistory(
  sql: Sql,
  query: HistoryQuery,
  after: Position,
  upTo: Position,
  limit: number,
): Promise<JournalEntry[]> {
  const { accountId, types, excludedTypes, subject } = query
  const range = [accountId, after.xid, after.seq, upTo.xid, upTo.seq]
  const values = [...range, types ?? null, familyPatterns(types), excludedTypes ?? [], limit]
  const rows =
    subject === undefined
      ? await sql.query<EntryRow>(historyOfAccount, values)
      : await sql.query<EntryRow>(historyOfSubject, [...values, subject])
  return rows.map(toEntry)
}

const recentOfAccount = `
  SELECT DISTINCT type FROM (
    SELECT type FROM journal WHERE account_id = $1 ORDER BY xid DESC, seq DESC LIMIT $4) AS recent
  WHERE type = ANY($2) OR type LIKE ANY($3)`

/** Which types an account's newest entries have, at most so many, of those that are asked for. */
export async function readRecentTypes(
  sql: Sql,
  accountId: string,
  types: readonly string[],
  limit: number,
): Promise<string[]> {
  const rows = await sql.query<{ type: string }>(recentOfAccount, [accountId, types, familyPatterns(types), limit])
  return rows.map(({ type }) => type)
}

function familyPatterns(types: readonly string[] | undefined): string[] {
  const families = types?.filter((type) => type.endsWith('.*')) ?? []
  return families.map((family) => prefixPattern(family.slice(0, -1)))
}

const entriesBetween = `
  SELECT ${columns} FROM journal
  WHERE (xid, seq) > ($1, $2) AND (xid, seq) <= ($3, $4) AND account_id = ANY($5::uuid[]) AND NOT type = ANY($6)
  ORDER BY xid, seq LIMIT $7`

/** Entries of some accounts between two positions, in commit order, but for some types. */
export async function readBetween(
  sql: Sql,
  { after, upTo }: { readonly after: Position; readonly upTo: Position },
  { accountIds, excludedTypes }: { readonly accountIds: readonly string[]; readonly excludedTypes: readonly string[] },
  limit: number,
): Promise<JournalEntry[]> {
  const values = [after.xid, after.seq, upTo.xid, upTo.seq, accountIds, excludedTypes, limit]
  return (await sql.query<EntryRow>(entriesBetween, values)).map(toEntry)
}

const entriesAt = `
  SELECT found.* FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS place (xid, seq, at), LATERAL (
    SELECT ${columns} FROM journal WHERE xid = place.xid AND seq = place.seq AND at = place.at LIMIT 1
  ) AS found`

/** The entries at these places; those that the journal keeps no longer are missing. */
export async function readEntriesAt(
  sql: Sql,
  places: readonly (Position & { readonly at: Date })[],
): Promise<JournalEntry[]> {
  const values = [places.map(({ xid }) => xid), places.map(({ seq }) => seq), places.map(({ at }) => at)]
  return (await sql.query<EntryRow>(entriesAt, values)).map(toEntry)
}

/** The number under which what a transaction journals will stand. */
export async function readOwnXid(tx: Sql): Promise<bigint> {
  const [row] = await tx.query<{ xid: string }>('SELECT journal_xid() AS xid')
  return BigInt(row?.xid ?? 0)
}

const entriesOf = `
  SELECT ${columns} FROM journal WHERE subject = $1 AND xid = $2 AND account_id = $3 ORDER BY seq`

/** What a transaction that is over has journaled about a subject. */
export async function readEntriesOf(
  sql: Sql,
  accountId: string,
  subject: string,
  xid: bigint,
): Promise<JournalEntry[]> {
  return (await sql.query<EntryRow>(entriesOf, [subject, xid, accountId])).map(toEntry)
}

const entriesWithin = `
  SELECT ${columns} FROM journal
  WHERE account_id = $1 AND at >= $2 AND at <= $3 AND (xid, seq) > ($4, $5) AND (xid, seq) <= ($6, $7)
  ORDER BY xid, seq LIMIT $8`

/** An account's entries of a time, behind a position and up to another, in commit order. */
export async function readWithin(
  sql: Sql,
  accountId: string,
  time: { readonly from: Date; readonly to: Date },
  { after, upTo }: { readonly after: Position; readonly upTo: Position },
  limit: number,
): Promise<JournalEntry[]> {
  const values = [accountId, time.from, time.to, after.xid, after.seq, upTo.xid, upTo.seq, limit]
  return (await sql.query<EntryRow>(entriesWithin, values)).map(toEntry)
}
