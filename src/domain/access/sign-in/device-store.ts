import { addressNetwork } from '#lib/address.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { DeviceRow } from './device.ts'

const columns = `
  id, client_name AS "clientName", scopes, address, user_agent AS "userAgent", created_at AS "createdAt",
  expires_at AS "expiresAt"`

export interface NewDevice {
  readonly id: string
  readonly deviceHash: Uint8Array
  readonly userHash: Uint8Array
  readonly clientName: string
  readonly scopes: readonly string[]
  readonly address: string
  readonly userAgent: string | undefined
  readonly expiresAt: Date
  readonly intervalMs: number
}

// Of each network's devices the oldest make room, beginning where most wait: a client that floods loses its own.
const makeRoomSql = `
  WITH waiting AS (
    SELECT id, network, created_at FROM device_sign_in WHERE decision IS NULL AND expires_at > now()
  ), crowds AS (
    SELECT network, count(*) + (network = $1)::int AS size FROM waiting GROUP BY network
  )
  DELETE FROM device_sign_in WHERE decision IS NULL AND id IN (
    SELECT id FROM waiting JOIN crowds USING (network) ORDER BY size DESC, created_at, id
    LIMIT greatest(0, (SELECT count(*) FROM waiting) - $2 + 1))`

const insertSql = `
  INSERT INTO device_sign_in
    (id, device_hash, user_hash, client_name, scopes, address, network, user_agent, expires_at, interval_ms)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING id`

/**
 * Writes a device that begins to wait; false when its code is another's. Where `max` wait already, the one that waits
 * longest of the network with most of them gives way.
 */
export async function insertDevice(sql: Sql, device: NewDevice, max: number): Promise<boolean> {
  const { id, deviceHash, userHash, clientName, scopes, address, userAgent = null, expiresAt, intervalMs } = device
  const network = addressNetwork(address)
  await sql.query(makeRoomSql, [network, max])
  const facts = [id, deviceHash, userHash, clientName, scopes, address, network, userAgent, expiresAt, intervalMs]
  return (await sql.query(insertSql, facts)).length > 0
}

const undecided = 'user_hash = $1 AND decision IS NULL AND expires_at > now()'

/** The device that shows this code, unless somebody has decided. */
export async function findDevice(sql: Sql, userHash: Uint8Array): Promise<DeviceRow | undefined> {
  const [row] = await sql.query<DeviceRow>(`SELECT ${columns} FROM device_sign_in WHERE ${undecided}`, [userHash])
  return row
}

/** As {@link findDevice}; keeps others from deciding until the transaction ends. */
export async function lockUndecidedDevice(sql: Sql, userHash: Uint8Array): Promise<DeviceRow | undefined> {
  const [row] = await sql.query<DeviceRow>(`SELECT ${columns} FROM device_sign_in WHERE ${undecided} FOR UPDATE`, [
    userHash,
  ])
  return row
}

const decideSql = `
  UPDATE device_sign_in SET decision = $2::device_decision, account_id = $3, user_id = $4, scopes = $5 WHERE id = $1`

/** Writes down what somebody decided, and with which scopes. */
export async function decideDevice(
  sql: Sql,
  id: string,
  decision: 'APPROVED' | 'DENIED',
  by: { accountId: string; userId: string; scopes: readonly string[] },
): Promise<void> {
  await sql.query(decideSql, [id, decision, by.accountId, by.userId, by.scopes])
}

/** A device that polls for the decision about it. */
export interface AskingDevice extends DeviceRow {
  readonly intervalMs: number
  readonly decision: 'APPROVED' | 'DENIED' | null
  readonly accountId: string | null
  readonly userId: string | null
  readonly isTooSoon: boolean
  readonly isExpired: boolean
}

const lockAskingSql = `
  SELECT ${columns}, interval_ms AS "intervalMs", decision, account_id AS "accountId", user_id AS "userId",
    coalesce(asked_at + interval_ms * interval '1 ms' > now(), false) AS "isTooSoon", expires_at <= now() AS "isExpired"
  FROM device_sign_in WHERE device_hash = $1 FOR UPDATE`

/** The device that asks with this code, kept from others until the transaction ends. */
export async function lockAskingDevice(sql: Sql, deviceHash: Uint8Array): Promise<AskingDevice | undefined> {
  const [row] = await sql.query<AskingDevice>(lockAskingSql, [deviceHash])
  return row
}

/** Notes that a device has asked, and how long it has to wait now. */
export async function noteAsked(sql: Sql, id: string, intervalMs: number): Promise<void> {
  await sql.query('UPDATE device_sign_in SET asked_at = now(), interval_ms = $2 WHERE id = $1', [id, intervalMs])
}

/** A code works once. */
export async function deleteDevice(sql: Sql, id: string): Promise<void> {
  await sql.query('DELETE FROM device_sign_in WHERE id = $1', [id])
}

/** Forgets devices whose time is over for an hour. */
export async function deleteOldDevices(sql: Sql): Promise<void> {
  await sql.query("DELETE FROM device_sign_in WHERE expires_at < now() - interval '1 hour'")
}
