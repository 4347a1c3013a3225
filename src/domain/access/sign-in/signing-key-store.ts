import type { Sql } from '#platform/database/sql.ts'

/** A key pair that access tokens are signed with. */
export interface SigningKeyRow {
  readonly id: string
  /** As JWK (RFC 8037). */
  readonly publicKey: Record<string, unknown>
  /** The private key as JWK, sealed. */
  readonly privateKey: string
  readonly createdAt: Date
}

const findSql = `
  SELECT id, public_key AS "publicKey", private_key AS "privateKey", created_at AS "createdAt"
  FROM signing_key ORDER BY created_at DESC, id`

/** All keys, the newest first. */
export async function findSigningKeys(sql: Sql): Promise<SigningKeyRow[]> {
  return sql.query(findSql)
}

/** Keeps others from making keys until the transaction ends. */
export async function lockSigningKeys(sql: Sql): Promise<void> {
  await sql.query('LOCK TABLE signing_key IN SHARE ROW EXCLUSIVE MODE')
}

export async function insertSigningKey(sql: Sql, key: Omit<SigningKeyRow, 'createdAt'>): Promise<void> {
  await sql.query('INSERT INTO signing_key (id, public_key, private_key) VALUES ($1, $2, $3)', [
    key.id,
    JSON.stringify(key.publicKey),
    key.privateKey,
  ])
}

export async function deleteSigningKeysBefore(sql: Sql, time: Date): Promise<void> {
  await sql.query('DELETE FROM signing_key WHERE created_at < $1', [time])
}
