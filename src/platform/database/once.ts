import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { AppError, invalidValue } from '#lib/errors.ts'
import type { Sql } from './sql.ts'

/** What somebody asks for under a key, so that they can send it again without knowing what became of it. */
export interface KeyedRequest {
  readonly accountId: string
  /** Whose key it is: the same for a person's sessions, and for a token and its successors. */
  readonly principalId: string
  /** Undefined: each request is one of its own. */
  readonly key: string | undefined
  /** Such as `createUser`. */
  readonly operation: string
  /** All that was asked for; only a hash of it is kept. */
  readonly request: object
}

/** The key was used before for something else. */
export class KeyReused extends AppError {
  readonly code = 'IDEMPOTENCY_KEY_REUSED'
  constructor(key: string) {
    super(`The idempotency key "${key}" belongs to a request that asks for something else.`)
  }
}

/** How long a key is known, in hours. */
const knownHours = 24
const maxKeyLength = 255

const forgetSql = `
  DELETE FROM idempotent_request
  WHERE account_id = $1 AND principal_id = $2 AND key = $3 AND created_at <= now() - ${knownHours} * interval '1 hour'`

const claimSql = `
  INSERT INTO idempotent_request (account_id, principal_id, key, request_hash, outcome) VALUES ($1, $2, $3, $4, '')
  ON CONFLICT DO NOTHING RETURNING key`

const noteSql = `
  UPDATE idempotent_request SET outcome = $4 WHERE account_id = $1 AND principal_id = $2 AND key = $3`

const knownSql = `
  SELECT request_hash AS "requestHash", outcome FROM idempotent_request
  WHERE account_id = $1 AND principal_id = $2 AND key = $3`

/**
 * Does the work, unless the same caller has had it done under this key within a day: then it answers with the outcome of
 * that time. The key is written in the work's own transaction, so that a failure leaves it free; of two requests at the same
 * time the second waits for the first. @throws {KeyReused} when the key was for something else @throws {InvalidInput}
 */
export async function once(
  tx: Sql,
  { accountId, principalId, key, operation, request }: KeyedRequest,
  work: () => Promise<string>,
): Promise<{ outcome: string; isRepeated: boolean }> {
  if (key === undefined) return { outcome: await work(), isRepeated: false }
  checkKey(key)
  const requestHash = hash('sha256', canonicalize({ operation, request }) as string, 'buffer')
  const id = [accountId, principalId, key]
  await tx.query(forgetSql, id)
  const [claimed] = await tx.query(claimSql, [...id, requestHash])
  if (claimed === undefined) return { outcome: await known(tx, id, key, requestHash), isRepeated: true }
  const outcome = await work()
  await tx.query(noteSql, [...id, outcome])
  return { outcome, isRepeated: false }
}

async function known(tx: Sql, id: readonly string[], key: string, requestHash: Buffer): Promise<string> {
  const [row] = await tx.query<{ requestHash: Buffer; outcome: string }>(knownSql, id)
  if (row === undefined || !row.requestHash.equals(requestHash)) throw new KeyReused(key)
  return row.outcome
}

function checkKey(key: string): void {
  if (/^[\x21-\x7e]+$/.test(key) && key.length <= maxKeyLength) return
  const message = `must be 1 to ${maxKeyLength} visible ASCII characters`
  throw invalidValue('The idempotency key', 'idempotencyKey', message)
}

const deleteOldSql = `
  DELETE FROM idempotent_request WHERE (account_id, principal_id, key) IN (
    SELECT account_id, principal_id, key FROM idempotent_request
    WHERE created_at <= now() - ${knownHours} * interval '1 hour' ORDER BY created_at LIMIT $1)
  RETURNING key`

/** Forgets keys whose day is over; returns how many, at most `limit`. */
export async function deleteOldKeys(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(deleteOldSql, [limit])).length
}
