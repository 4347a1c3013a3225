import { compositeKey } from '#lib/composite-key.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { Position } from '#platform/journal/entry.ts'
import { type PositionRow, toPosition } from '#platform/journal/store.ts'
import type { Entry, EntryChange, EntryVersion } from './entry.ts'
import type { KeyState } from './write-batch.ts'

interface EntryRow extends Omit<Entry, 'revision'> {
  readonly revision: string
}

const columns = (table: string) => `
  ${table}.key, ${table}.version, ${table}.revision, ${table}.size_bytes AS "sizeBytes", ${table}.created_at AS "createdAt",
  ${table}.updated_at AS "updatedAt", ${table}.updated_by AS "updatedBy", ${table}.expires_at AS "expiresAt"`

const toEntry = (row: EntryRow): Entry => ({ ...row, revision: Number(row.revision) })

// Key by key: the planner may never have heard how many entries an account has, and would read them all.
const standingsSql = `
  SELECT asked.key AS "askedKey", CASE WHEN asked.read_value THEN entry.value END AS value, ${columns('entry')},
         coalesce(entry.version, (SELECT max(version) FROM entry_version WHERE account_id = $1 AND key = asked.key), 0)
           AS "lastVersion",
         (SELECT revision FROM entry_ledger WHERE account_id = $1) AS "ledgerRevision", clock_timestamp() AS now
  FROM unnest($2::text[], $3::bool[]) AS asked (key, read_value)
  LEFT JOIN LATERAL (SELECT * FROM entry WHERE account_id = $1 AND key = asked.key LIMIT 1) AS entry ON true`

/** What a commit begins with: how keys stand, of which some with their value, the account's revision, and the time. */
export interface Opening {
  readonly keyStates: readonly KeyState[]
  readonly revision: number
  readonly now: Date
}

/** For who holds the account's lock: nothing of it can change any more. */
export async function readStandings(
  sql: Sql,
  accountId: string,
  keys: ReadonlyMap<string, { readonly readValue: boolean }>,
): Promise<Opening> {
  const rows = await sql.query<
    EntryRow & { askedKey: string; lastVersion: number; ledgerRevision: string | null; now: Date }
  >(standingsSql, [accountId, [...keys.keys()], [...keys.values()].map(({ readValue }) => readValue)])
  const keyStates = rows.map(({ askedKey, lastVersion, ledgerRevision: _, now: __, ...row }) => ({
    key: askedKey,
    entry: row.key === null ? undefined : toEntry(row),
    version: lastVersion,
  }))
  return { keyStates, revision: Number(rows[0]?.ledgerRevision ?? 0), now: rows[0]?.now ?? new Date() }
}

const upsertSql = `
  INSERT INTO entry (account_id, key, value, version, revision, size_bytes, created_at, updated_at, updated_by, expires_at)
  SELECT $1, key, value::json, version, revision, size_bytes, created_at, updated_at, updated_by::jsonb, expires_at
  FROM unnest($2::text[], $3::text[], $4::int[], $5::bigint[], $6::int[], $7::timestamptz[], $8::timestamptz[],
              $9::text[], $10::timestamptz[])
    AS new (key, value, version, revision, size_bytes, created_at, updated_at, updated_by, expires_at)
  ON CONFLICT (account_id, key) DO UPDATE SET
    value = excluded.value, version = excluded.version, revision = excluded.revision, size_bytes = excluded.size_bytes,
    created_at = excluded.created_at, updated_at = excluded.updated_at, updated_by = excluded.updated_by,
    expires_at = excluded.expires_at`

const deleteSql = 'DELETE FROM entry WHERE account_id = $1 AND key = ANY($2::text[])'

const insertVersionsSql = `
  INSERT INTO entry_version (account_id, key, version, revision, kind, value, size_bytes, at, by)
  SELECT $1, key, version, revision, kind::entry_change_kind, value::json, size_bytes, at, by::jsonb
  FROM unnest($2::text[], $3::int[], $4::bigint[], $5::text[], $6::text[], $7::int[], $8::timestamptz[], $9::text[])
    AS new (key, version, revision, kind, value, size_bytes, at, by)`

const pruneVersionsSql = `
  DELETE FROM entry_version WHERE ctid = ANY(ARRAY(
    SELECT version.ctid FROM unnest($2::text[], $3::int[]) AS old (key, up_to), LATERAL (
      SELECT ctid FROM entry_version WHERE account_id = $1 AND key = old.key AND version <= up_to OFFSET 0
    ) AS version))`

const countSql = `
  INSERT INTO entry_ledger (account_id, revision) VALUES ($1, $2)
  ON CONFLICT (account_id) DO UPDATE SET revision = excluded.revision`

/** Writes what a batch has decided, with all statements under way at once; the commit waits for them. */
export function writeChanges(
  tx: Transaction,
  accountId: string,
  decided: { readonly changes: readonly EntryChange[]; readonly revision: number },
  keptVersions: number,
): void {
  const { changes, revision } = decided
  const last = [...new Map(changes.map((change) => [change.key, change])).values()]
  const present = last.filter(({ content }) => content !== undefined)
  const gone = last.filter(({ content }) => content === undefined)
  const old = last.filter(({ version }) => version > keptVersions)
  if (gone.length > 0) tx.beside(tx.query(deleteSql, [accountId, gone.map(({ key }) => key)]))
  if (present.length > 0) tx.beside(tx.query(upsertSql, [accountId, ...presentColumns(present)]))
  tx.beside(tx.query(insertVersionsSql, [accountId, ...versionColumns(changes)]))
  const upTo = old.map(({ version }) => version - keptVersions)
  if (old.length > 0) tx.beside(tx.query(pruneVersionsSql, [accountId, old.map(({ key }) => key), upTo]))
  tx.beside(tx.query(countSql, [accountId, revision]))
}

function presentColumns(changes: readonly EntryChange[]): unknown[] {
  return [
    changes.map(({ key }) => key),
    changes.map(({ content }) => content?.text),
    changes.map(({ version }) => version),
    changes.map(({ revision }) => revision),
    changes.map(({ content }) => content?.sizeBytes),
    changes.map(({ content }) => content?.createdAt),
    changes.map(({ at }) => at),
    changes.map(({ by }) => JSON.stringify(by.actor)),
    changes.map(({ content }) => content?.expiresAt ?? null),
  ]
}

function versionColumns(changes: readonly EntryChange[]): unknown[] {
  return [
    changes.map(({ key }) => key),
    changes.map(({ version }) => version),
    changes.map(({ revision }) => revision),
    changes.map(({ kind }) => kind),
    changes.map(({ content }) => content?.text ?? null),
    changes.map(({ content }) => content?.sizeBytes ?? 0),
    changes.map(({ at }) => at),
    changes.map(({ by }) => JSON.stringify(by.actor)),
  ]
}

/** What is over is gone, whether or not it has been swept yet. */
const isPresent = '(expires_at IS NULL OR expires_at > clock_timestamp())'

const findSql = `
  SELECT asked.account_id AS "accountId", entry.value, ${columns('entry')}
  FROM unnest($1::uuid[], $2::text[]) AS asked (account_id, key), LATERAL (
    SELECT * FROM entry WHERE account_id = asked.account_id AND key = asked.key AND ${isPresent} LIMIT 1
  ) AS entry`

export interface EntryName {
  readonly accountId: string
  readonly key: string
}

/** Entries by their names, in the order of these; undefined where there is none. */
export async function findEntries(sql: Sql, names: readonly EntryName[]): Promise<(Entry | undefined)[]> {
  const rows = await sql.query<EntryRow & { accountId: string }>(findSql, [
    names.map(({ accountId }) => accountId),
    names.map(({ key }) => key),
  ])
  const byName = new Map(rows.map(({ accountId, ...row }) => [compositeKey(accountId, row.key), toEntry(row)]))
  return names.map(({ accountId, key }) => byName.get(compositeKey(accountId, key)))
}

/** A stretch of an account's keys, in the order of their bytes. */
export interface KeyRange {
  /** Not before it. */
  readonly from: string
  /** Before it. */
  readonly to: string
  /** Behind it. */
  readonly after: string
  /** Regular expressions of which one has to match; null: all keys. */
  readonly patterns: readonly string[] | null
}

const inRange = `account_id = $1 AND key >= $2 AND key < $3 AND key > $4 AND ($5::text[] IS NULL OR key ~ ANY($5))`

const listSql = `
  SELECT value, ${columns('entry')} FROM entry WHERE ${inRange} AND ${isPresent} ORDER BY key LIMIT $6`

/** Entries by their keys. */
export async function listEntries(sql: Sql, accountId: string, range: KeyRange, limit: number): Promise<Entry[]> {
  const { from, to, after, patterns } = range
  return (await sql.query<EntryRow>(listSql, [accountId, from, to, after, patterns, limit])).map(toEntry)
}

const stretchSql = `
  SELECT entry.value, ${columns('entry')}, ledger.revision AS "ledgerRevision", shown.xid, shown.seq
  FROM (SELECT coalesce(max(revision), 0) AS revision FROM entry_ledger WHERE account_id = $1) AS ledger
  CROSS JOIN journal_end() AS shown
  LEFT JOIN LATERAL (
    SELECT * FROM (
      SELECT *, sum(size_bytes) OVER (ORDER BY key) - size_bytes AS before FROM (
        SELECT * FROM entry WHERE ${inRange} AND ${isPresent} ORDER BY key LIMIT $6
      ) AS most
    ) AS weighed WHERE before < $7
  ) AS entry ON true
  ORDER BY entry.key`

/** A stretch of entries, with the revision that it shows and what of the journal is in it. */
export interface Stretch {
  readonly entries: readonly Entry[]
  readonly revision: number
  /** The journal's last entry that is part of it. */
  readonly upTo: Position
}

/** As {@link listEntries}, from one snapshot, and at most so many bytes of values plus one entry. */
export async function readStretch(
  sql: Sql,
  accountId: string,
  { from, to, after, patterns }: KeyRange,
  most: { readonly entries: number; readonly bytes: number },
): Promise<Stretch> {
  const rows = await sql.query<EntryRow & PositionRow & { ledgerRevision: string }>(stretchSql, [
    accountId,
    from,
    to,
    after,
    patterns,
    most.entries,
    most.bytes,
  ])
  const entries = rows.filter(({ key }) => key !== null)
  return {
    entries: entries.map(({ ledgerRevision: _, xid: __, seq: ___, ...row }) => toEntry(row)),
    revision: Number(rows[0]?.ledgerRevision ?? 0),
    upTo: toPosition(rows[0]),
  }
}

interface VersionRow extends Omit<EntryVersion, 'revision'> {
  readonly revision: string
}

const historySql = `
  SELECT key, version, revision, kind, value, at, by FROM entry_version
  WHERE account_id = $1 AND key = $2 AND version < $3 ORDER BY version DESC LIMIT $4`

/** Versions before this one, newest first. */
export async function listVersions(
  sql: Sql,
  { accountId, key }: EntryName,
  before: number,
  limit: number,
): Promise<EntryVersion[]> {
  const rows = await sql.query<VersionRow>(historySql, [accountId, key, before, limit])
  return rows.map((row) => ({ ...row, revision: Number(row.revision) }))
}

const versionSql = 'SELECT value FROM entry_version WHERE account_id = $1 AND key = $2 AND version = $3'

/** The value of one version; undefined when it has expired. */
export async function findVersionValue(
  sql: Sql,
  { accountId, key }: EntryName,
  version: number,
): Promise<{ value: unknown } | undefined> {
  return (await sql.query<{ value: unknown }>(versionSql, [accountId, key, version]))[0]
}

const expiredSql = `
  SELECT account_id AS "accountId", key FROM entry WHERE expires_at <= clock_timestamp() ORDER BY expires_at LIMIT $1`

/** Entries whose time is over, the oldest first. */
export async function findExpired(sql: Sql, limit: number): Promise<EntryName[]> {
  return sql.query(expiredSql, [limit])
}

// Only entries that ended and were not created again: the last version says so.
const forgetSql = `
  DELETE FROM entry_version AS version USING (
    SELECT ended.account_id, ended.key, ended.version FROM entry_version AS ended
    WHERE ended.kind <> 'SET' AND ended.at < now() - $1 * interval '1 day'
      AND NOT EXISTS (SELECT 1 FROM entry_version AS later WHERE later.account_id = ended.account_id
                      AND later.key = ended.key AND later.version > ended.version)
    ORDER BY ended.at LIMIT $2
  ) AS old
  WHERE version.account_id = old.account_id AND version.key = old.key AND version.version <= old.version
  RETURNING 1 AS gone`

/** Forgets versions of entries that were deleted, or expired, so many days ago; returns how many. */
export async function forgetEnded(sql: Sql, days: number, limit: number): Promise<number> {
  return (await sql.query(forgetSql, [days, limit])).length
}
