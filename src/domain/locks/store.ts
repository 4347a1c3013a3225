import type { Sql } from '#platform/database/sql.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { Actor, Origin } from '#platform/journal/entry.ts'
import { type HeldLock, type Lock, presence, type Waiter } from './lock.ts'

interface LockRow extends Omit<HeldLock, 'fence'> {
  readonly fence: string
}

const lockColumns = `lock.name, lock.fence, lock.holder, lock.principal_id AS "principalId", lock.reason,
  lock.acquired_at AS "acquiredAt", lock.expires_at AS "expiresAt"`

const toLock = ({ name, fence, holder, principalId, reason, acquiredAt, expiresAt }: LockRow): HeldLock => ({
  name,
  fence: Number(fence),
  holder,
  principalId,
  reason,
  acquiredAt,
  expiresAt,
})

interface WaiterRow {
  readonly name: string
  readonly id: string
  readonly by: Actor
  readonly origin: Origin | null
  readonly principalId: string
  readonly reason: string | null
  readonly ttlMs: number
  readonly queuedAt: Date
  readonly until: Date
}

const waiterColumns = `name, id, by, origin, principal_id AS "principalId", reason, ttl_ms AS "ttlMs",
  queued_at AS "queuedAt", until`

const toWaiter = ({ by, origin, ...row }: WaiterRow): Waiter => ({
  ...row,
  by: { actor: by, origin: origin ?? undefined },
})

const waits = `until > clock_timestamp() AND seen_at > clock_timestamp() - ${presence.silenceMs} * interval '1 ms'`

// After a failover that lost the last commits, fences that were given there must not be given again: each history of the
// journal has a range of its own, which begins above all that an earlier one can have given.
const openingSql = `
  SELECT clock_timestamp() AS now,
         greatest((SELECT fence FROM entry_ledger WHERE account_id = $1), (journal_history_number() - 1) << 32) AS "lastFence",
         (SELECT to_json(held) FROM (SELECT ${lockColumns}, renewals, renewal_noted_at AS "renewalNotedAt"
            FROM lock WHERE account_id = $1 AND name = $2) AS held) AS lock,
         (SELECT to_json(first) FROM (SELECT ${waiterColumns} FROM lock_waiter
            WHERE account_id = $1 AND name = $2 AND ${waits} ORDER BY seq LIMIT 1) AS first) AS waiter,
         (SELECT count(*)::int FROM lock_waiter WHERE account_id = $1 AND name = $2) AS waiting`

/** How a lock was renewed, as far as the journal does not say it. */
export interface Renewals {
  /** Since the last renewal that has an entry. */
  readonly count: number
  /** When that was; undefined: none has one. */
  readonly notedAt: Date | undefined
}

/** What a change of a lock begins with. */
export interface LockOpening {
  readonly now: Date
  /** Of the account's locks, the last that was given. */
  readonly lastFence: number
  /** Also one whose lease is over. */
  readonly lock: HeldLock | undefined
  readonly renewals: Renewals
  /** Whose turn is next. */
  readonly waiter: Waiter | undefined
  readonly waiting: number
}

/** For who holds the account's lock: nothing of it can change any more. */
export async function readOpening(sql: Sql, accountId: string, name: string): Promise<LockOpening> {
  const [row] = await sql.query<{
    now: Date
    lastFence: string | null
    lock: (LockRow & { renewals: number; renewalNotedAt: string | null }) | null
    waiter: WaiterRow | null
    waiting: number
  }>(openingSql, [accountId, name])
  return {
    now: row?.now ?? new Date(),
    lastFence: Number(row?.lastFence ?? 0),
    lock: row?.lock ? toLock(withDates(row.lock, ['acquiredAt', 'expiresAt'])) : undefined,
    renewals: {
      count: row?.lock?.renewals ?? 0,
      notedAt: row?.lock?.renewalNotedAt ? new Date(row.lock.renewalNotedAt) : undefined,
    },
    waiter: row?.waiter ? toWaiter(withDates(row.waiter, ['queuedAt', 'until'])) : undefined,
    waiting: row?.waiting ?? 0,
  }
}

/** A row that came as JSON, with its moments as such. */
function withDates<Row extends object>(row: Row, names: readonly (keyof Row)[]): Row {
  return { ...row, ...Object.fromEntries(names.map((name) => [name, new Date(row[name] as unknown as string)])) }
}

const putSql = `
  INSERT INTO lock (account_id, name, fence, holder, principal_id, acquired_at, expires_at, waiter_id, reason)
  VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7, $8, $9)
  ON CONFLICT (account_id, name) DO UPDATE SET
    fence = excluded.fence, holder = excluded.holder, principal_id = excluded.principal_id,
    acquired_at = excluded.acquired_at, expires_at = excluded.expires_at, waiter_id = excluded.waiter_id,
    reason = excluded.reason, renewals = 0, renewal_noted_at = NULL`

const countSql = `
  INSERT INTO entry_ledger (account_id, fence) VALUES ($1, $2)
  ON CONFLICT (account_id) DO UPDATE SET fence = excluded.fence`

/** Gives the lock to somebody, with all statements under way at once. */
export function putLock(tx: Transaction, accountId: string, lock: HeldLock, waiterId: string | undefined): void {
  const { name, fence, holder, principalId, acquiredAt, expiresAt, reason } = lock
  const who = [JSON.stringify(holder), principalId, acquiredAt, expiresAt, waiterId ?? null, reason]
  const values = [accountId, name, fence, ...who]
  tx.beside(tx.query(putSql, values))
  tx.beside(tx.query(countSql, [accountId, fence]))
  if (waiterId !== undefined) tx.beside(tx.query('DELETE FROM lock_waiter WHERE id = $1', [waiterId]))
}

export function deleteLock(tx: Transaction, accountId: string, name: string): void {
  tx.beside(tx.query('DELETE FROM lock WHERE account_id = $1 AND name = $2', [accountId, name]))
}

const extendSql = `
  UPDATE lock SET expires_at = $3, renewals = $4, renewal_noted_at = $5 WHERE account_id = $1 AND name = $2`

export function extendLock(
  tx: Transaction,
  accountId: string,
  { name, expiresAt }: Lock,
  { count, notedAt }: Renewals,
): void {
  tx.beside(tx.query(extendSql, [accountId, name, expiresAt, count, notedAt ?? null]))
}

const insertWaiterSql = `
  INSERT INTO lock_waiter (account_id, name, id, by, origin, principal_id, ttl_ms, queued_at, until, seen_at, reason)
  VALUES ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8, $9,
    CASE WHEN $10::boolean THEN 'infinity'::timestamptz ELSE $8 END, $11)`

/** Puts somebody at the end of a lock's queue; a ticket counts as present without saying so. */
export function insertWaiter(
  tx: Transaction,
  accountId: string,
  waiter: Waiter,
  { isTicket = false }: { isTicket?: boolean } = {},
): void {
  const { name, id, by, principalId, ttlMs, queuedAt, until, reason } = waiter
  const origin = by.origin === undefined ? null : JSON.stringify(by.origin)
  const who = [JSON.stringify(by.actor), origin, principalId]
  tx.beside(tx.query(insertWaiterSql, [accountId, name, id, ...who, ttlMs, queuedAt, until, isTicket, reason]))
}

/** Takes all who wait for a lock out of its queue. */
export function deleteWaiters(tx: Transaction, accountId: string, name: string): void {
  tx.beside(tx.query('DELETE FROM lock_waiter WHERE account_id = $1 AND name = $2', [accountId, name]))
}

/** Takes somebody out of the queue; false when they are not in it, since they were granted the lock, or given up. */
export async function deleteWaiter(sql: Sql, id: string): Promise<boolean> {
  return (await sql.query('DELETE FROM lock_waiter WHERE id = $1 RETURNING id', [id])).length > 0
}

const seenSql = 'UPDATE lock_waiter SET seen_at = clock_timestamp() WHERE id = ANY($1::uuid[]) RETURNING id'

/** Says that these still wait; returns those of them that are in a queue. */
export async function tellPresent(sql: Sql, ids: readonly string[]): Promise<Set<string>> {
  return new Set((await sql.query<{ id: string }>(seenSql, [ids])).map(({ id }) => id))
}

const grantedSql = `
  SELECT ${lockColumns}, waiter_id AS "waiterId" FROM lock
  WHERE waiter_id = ANY($1::uuid[]) AND expires_at > clock_timestamp()`

/** Locks that were given to these of those who waited, and are theirs still. */
export async function findGranted(sql: Sql, waiterIds: readonly string[]): Promise<Map<string, Lock>> {
  const rows = await sql.query<LockRow & { waiterId: string }>(grantedSql, [waiterIds])
  return new Map(rows.map((row) => [row.waiterId, toLock(row)]))
}

const fencesSql = `
  SELECT name, fence FROM lock WHERE account_id = $1 AND name = ANY($2::text[]) AND expires_at > clock_timestamp()
  FOR SHARE`

/** With which fences these locks are held; keeps them from changing hands until the transaction ends. */
export async function readFences(sql: Sql, accountId: string, names: readonly string[]): Promise<Map<string, number>> {
  const rows = await sql.query<{ name: string; fence: string }>(fencesSql, [accountId, names])
  return new Map(rows.map(({ name, fence }) => [name, Number(fence)]))
}

const listSql = `
  SELECT ${lockColumns} FROM lock
  WHERE account_id = $1 AND name >= $2 AND name < $3 AND name > $4 AND ($5::text[] IS NULL OR name ~ ANY($5))
    AND expires_at > clock_timestamp() ORDER BY name LIMIT $6`

export interface NameRange {
  readonly from: string
  readonly to: string
  readonly after: string
  /** Regular expressions of which one has to match; null: all names. */
  readonly patterns: readonly string[] | null
}

/** Locks that are held, by their names. */
export async function listLocks(sql: Sql, accountId: string, range: NameRange, limit: number): Promise<Lock[]> {
  const { from, to, after, patterns } = range
  return (await sql.query<LockRow>(listSql, [accountId, from, to, after, patterns, limit])).map(toLock)
}

const findSql = `SELECT ${lockColumns} FROM lock WHERE account_id = $1 AND name = $2 AND expires_at > clock_timestamp()`

export async function findLock(sql: Sql, accountId: string, name: string): Promise<Lock | undefined> {
  const [row] = await sql.query<LockRow>(findSql, [accountId, name])
  return row && toLock(row)
}

const findAllSql = `
  SELECT ${lockColumns} FROM lock
  WHERE account_id = $1 AND name = ANY($2::text[]) AND expires_at > clock_timestamp()`

/** Those of these locks that somebody holds, by name. */
export async function findLocks(sql: Sql, accountId: string, names: readonly string[]): Promise<Map<string, Lock>> {
  const rows = await sql.query<LockRow>(findAllSql, [accountId, names])
  return new Map(rows.map((row) => [row.name, toLock(row)]))
}

const queueSql = `
  SELECT ${waiterColumns} FROM lock_waiter WHERE account_id = $1 AND name = $2 AND ${waits} ORDER BY seq LIMIT $3`

/** Who waits for a lock, in the order of their turns. */
export async function listWaiters(sql: Sql, accountId: string, name: string, limit: number): Promise<Waiter[]> {
  return (await sql.query<WaiterRow>(queueSql, [accountId, name, limit])).map(toWaiter)
}

// A lock that was acquired without a ticket has its fence for one. An id contains the time of its creation.
const ticketsSql = `
  SELECT * FROM (
    SELECT name, coalesce(waiter_id::text, fence::text) AS id, fence::text AS fence, holder AS actor,
           principal_id AS "principalId", reason, acquired_at AS "acquiredAt", expires_at AS "expiresAt",
           (extract(epoch FROM expires_at - acquired_at) * 1000)::float8 AS "ttlMs",
           coalesce(to_timestamp(('x' || lpad(left(replace(waiter_id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint / 1000.0),
             acquired_at) AS "createdAt", 0 AS position
    FROM lock WHERE account_id = $1 AND name = $2 AND expires_at > clock_timestamp()
    UNION ALL
    SELECT name, id::text, NULL, by, principal_id, reason, NULL, NULL, ttl_ms::float8, queued_at,
           row_number() OVER (ORDER BY seq)::int
    FROM lock_waiter WHERE account_id = $1 AND name = $2 AND ${waits}
  ) AS ticket WHERE $3::text IS NULL OR id = $3 ORDER BY position LIMIT $4`

/** A ticket as it stands in the database. */
export interface TicketRow {
  readonly name: string
  readonly id: string
  /** Null while it waits. */
  readonly fence: string | null
  readonly actor: Actor
  readonly principalId: string
  readonly reason: string | null
  readonly acquiredAt: Date | null
  readonly expiresAt: Date | null
  readonly ttlMs: number
  readonly createdAt: Date
  readonly position: number
}

/** Who holds a lock and who waits for it, in the order of their turns: all, or the one of an id. */
export async function listTickets(
  sql: Sql,
  accountId: string,
  name: string,
  { id, limit }: { readonly id?: string; readonly limit: number },
): Promise<TicketRow[]> {
  return sql.query<TicketRow>(ticketsSql, [accountId, name, id ?? null, limit])
}

const expiredSql = `
  (SELECT account_id AS "accountId", name FROM lock WHERE expires_at <= clock_timestamp() ORDER BY expires_at LIMIT $1)
  UNION
  (SELECT account_id, name FROM lock_waiter AS waiter
   WHERE ${waits} AND NOT EXISTS (SELECT 1 FROM lock WHERE lock.account_id = waiter.account_id AND lock.name = waiter.name)
   LIMIT $1)`

/** Locks whose lease is over, and such that nobody holds although somebody waits: who was next had seemed to be gone. */
export async function findExpiredLocks(sql: Sql, limit: number): Promise<{ accountId: string; name: string }[]> {
  return sql.query(expiredSql, [limit])
}

const overdueSql = `
  DELETE FROM lock_waiter WHERE id IN (
    SELECT id FROM lock_waiter WHERE until < clock_timestamp() - interval '1 minute' ORDER BY until LIMIT $1)`

/** Forgets who waited at a process that is gone. */
export async function deleteOverdueWaiters(sql: Sql, limit: number): Promise<void> {
  await sql.query(overdueSql, [limit])
}
