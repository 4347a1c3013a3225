import type { Sql } from '#platform/database/sql.ts'
import { isSuspended } from '#platform/database/suspended.ts'
import type { KnownPerson } from './sessions.ts'

const columns = 'users.account_id AS "accountId", users.id, users.email, users.role'

/** A person of an account; undefined when they were removed, or the account is suspended. */
export async function findPersonById(sql: Sql, accountId: string, id: string): Promise<KnownPerson | undefined> {
  const [row] = await sql.query<KnownPerson>(
    `SELECT ${columns} FROM users WHERE account_id = $1 AND id = $2 AND removed_at IS NULL AND NOT ${isSuspended('users.account_id')}`,
    [accountId, id],
  )
  return row
}

/** Lets a provider's id stand for a person of an account; one that stood for somebody who was removed moves on. */
export async function insertIdentity(
  sql: Sql,
  person: { accountId: string; id: string },
  { issuer, subject }: { issuer: string; subject: string },
): Promise<void> {
  await sql.query(insertIdentitySql, [issuer, subject, person.accountId, person.id])
}

const insertIdentitySql = `
  INSERT INTO identity (issuer, subject, account_id, user_id) VALUES ($1, $2, $3, $4)
  ON CONFLICT (issuer, subject, account_id) DO UPDATE SET user_id = EXCLUDED.user_id`

const wasRemovedSql = `
  SELECT EXISTS (
    SELECT FROM users WHERE account_id = $1 AND email = $2 AND removed_at IS NOT NULL
    UNION ALL
    SELECT FROM identity JOIN users ON users.account_id = identity.account_id AND users.id = identity.user_id
    WHERE identity.issuer = $3 AND identity.subject = $4 AND users.account_id = $1 AND users.removed_at IS NOT NULL
  ) AS removed`

/** Whether a person with this address, or whom the provider knows by this id, was removed from the account. */
export async function wasRemoved(
  sql: Sql,
  accountId: string,
  { email, issuer, subject }: { email: string; issuer: string; subject: string },
): Promise<boolean> {
  const [row] = await sql.query<{ removed: boolean }>(wasRemovedSql, [accountId, email, issuer, subject])
  return row?.removed === true
}

/** Where people from allowed domains are added. */
export async function findOldestAccount(sql: Sql): Promise<string | undefined> {
  const [row] = await sql.query<{ id: string }>('SELECT id FROM account ORDER BY created_at, id LIMIT 1')
  return row?.id
}
