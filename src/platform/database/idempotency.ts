import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { AppError, invalidValue } from '#lib/errors.ts'
import type { Sql } from './sql.ts'

/** A request under an idempotency key, which makes it safe to send it again. */
export interface KeyedRequest {
  readonly accountId: string
  /** The owner of the key: the same for a person's sessions, and for a token and its successors. */
  readonly principalId: string
  /** Undefined: the request is done each time. */
  readonly key: string | undefined
  /** Such as `createUser`. */
  readonly operation: string
  /** Everything that decides what the request does; only its hash is stored. */
  readonly request: object
}

/** The key belongs to a request that asks for something else. */
export class IdempotencyKeyReused extends AppError {
  readonly code = 'IDEMPOTENCY_KEY_REUSED'
  constructor(key: string, owner = 'a request') {
    super(`The idempotency key "${key}" belongs to ${owner} with different content.`)
  }
}

/** How long a key is kept, in hours. */
export const idempotencyHours = 24
const maxKeyLength = 255

const expireSql = `
  DELETE FROM idempotent_request
  WHERE account_id = $1 AND principal_id = $2 AND key = $3 AND created_at <= now() - ${idempotencyHours} * interval '1 hour'`

const claimSql = `
  INSERT INTO idempotent_request (account_id, principal_id, key, request_hash, outcome) VALUES ($1, $2, $3, $4, '')
  ON CONFLICT DO NOTHING RETURNING key`

const storeSql = `
  UPDATE idempotent_request SET outcome = $4 WHERE account_id = $1 AND principal_id = $2 AND key = $3`

const storedSql = `
  SELECT request_hash AS "requestHash", outcome FROM idempotent_request
  WHERE account_id = $1 AND principal_id = $2 AND key = $3`

/**
 * Does the work once per key and caller: a repetition within a day gets the first outcome. The key is written in the
 * work's own transaction, so a failure leaves it free; of two concurrent requests the second waits for the first.
 * @throws {IdempotencyKeyReused} when the key was for something else @throws {InvalidInput}
 */
export async function runOnce(
  tx: Sql,
  { accountId, principalId, key, operation, request }: KeyedRequest,
  work: () => Promise<string>,
): Promise<{ outcome: string; isRepeated: boolean }> {
  if (key === undefined) return { outcome: await work(), isRepeated: false }
  checkKey(key)
  const requestHash = hashRequest({ operation, request })
  const id = [accountId, principalId, key]
  await tx.query(expireSql, id)
  const [claimed] = await tx.query(claimSql, [...id, requestHash])
  if (claimed === undefined) return { outcome: await storedOutcome(tx, id, key, requestHash), isRepeated: true }
  const outcome = await work()
  await tx.query(storeSql, [...id, outcome])
  return { outcome, isRepeated: false }
}

async function storedOutcome(tx: Sql, id: readonly string[], key: string, requestHash: Buffer): Promise<string> {
  const [row] = await tx.query<{ requestHash: Buffer; outcome: string }>(storedSql, id)
  if (row === undefined || !row.requestHash.equals(requestHash)) throw new IdempotencyKeyReused(key)
  return row.outcome
}

/** SHA-256 of a request as canonical JSON (RFC 8785): the order of its keys does not matter. */
export function hashRequest(request: object): Buffer {
  return hash('sha256', canonicalize(request) as string, 'buffer')
}

function checkKey(key: string): void {
  if (/^[\x21-\x7e]+$/.test(key) && key.length <= maxKeyLength) return
  const message = `must be 1 to ${maxKeyLength} visible ASCII characters`
  throw invalidValue('The idempotency key', 'idempotencyKey', message)
}

const deleteOldSql = `
  DELETE FROM idempotent_request WHERE (account_id, principal_id, key) IN (
    SELECT account_id, principal_id, key FROM idempotent_request
    WHERE created_at <= now() - ${idempotencyHours} * interval '1 hour' ORDER BY created_at LIMIT $1)
  RETURNING key`

/** Deletes expired keys, at most `limit`; returns how many. */
export async function deleteExpiredKeys(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(deleteOldSql, [limit])).length
}
