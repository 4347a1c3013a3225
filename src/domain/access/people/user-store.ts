import type { Sql } from '#platform/database/sql.ts'
import type { UserFacts } from './user.ts'

export interface UserRow extends UserFacts {
  readonly accountId: string
  readonly id: string
}

const columns = `account_id AS "accountId", id, email, first_name AS "firstName", last_name AS "lastName", role`

const insertUserSql = `
  INSERT INTO users (account_id, id, email, first_name, last_name, role, password_hash)
  VALUES ($1, $2, $3, $4, $5, $6::role, $7) ON CONFLICT DO NOTHING RETURNING id`

/** Writes a user; false when somebody has the address already. */
export async function insertUser(sql: Sql, user: UserRow, passwordHash: string | undefined): Promise<boolean> {
  const { accountId, id, email, firstName, lastName, role } = user
  const rows = await sql.query(insertUserSql, [accountId, id, email, firstName, lastName, role, passwordHash ?? null])
  return rows.length > 0
}

const lockUserSql = `
  SELECT ${columns} FROM users WHERE account_id = $1 AND (id::text = $2 OR email = $2) AND removed_at IS NULL FOR UPDATE`

/** Reads a user, by id or address, and keeps others from changing them until the transaction ends. */
export async function lockUser(sql: Sql, accountId: string, idOrEmail: string): Promise<UserRow | undefined> {
  const [row] = await sql.query<UserRow>(lockUserSql, [accountId, idOrEmail])
  return row
}

const updateUserSql = `
  UPDATE users SET first_name = $3, last_name = $4, role = $5::role WHERE account_id = $1 AND id = $2`

export async function updateUser(sql: Sql, { accountId, id, firstName, lastName, role }: UserRow): Promise<void> {
  await sql.query(updateUserSql, [accountId, id, firstName, lastName, role])
}

const removeUserSql = `
  UPDATE users SET removed_at = now(), password_hash = NULL WHERE account_id = $1 AND id = $2`

/** The row stays, so that what the person did still has a name to it; the address is free again. */
export async function removeUser(sql: Sql, accountId: string, id: string): Promise<void> {
  await sql.query(removeUserSql, [accountId, id])
}

const lockOwnersSql = `
  SELECT id FROM users WHERE account_id = $1 AND role = 'OWNER' AND removed_at IS NULL ORDER BY id FOR UPDATE`

/** The account's owners; none of them can be changed by others until the transaction ends. */
export async function lockOwners(sql: Sql, accountId: string): Promise<string[]> {
  return (await sql.query<{ id: string }>(lockOwnersSql, [accountId])).map(({ id }) => id)
}

const findPasswordSql = 'SELECT password_hash AS "passwordHash" FROM users WHERE account_id = $1 AND id = $2'

/** What is stored of a person's password; undefined when they have none. */
export async function findPassword(sql: Sql, accountId: string, id: string): Promise<string | undefined> {
  const [row] = await sql.query<{ passwordHash: string | null }>(findPasswordSql, [accountId, id])
  return row?.passwordHash ?? undefined
}

export async function setPasswordHash(sql: Sql, accountId: string, id: string, passwordHash: string): Promise<void> {
  await sql.query('UPDATE users SET password_hash = $3 WHERE account_id = $1 AND id = $2', [
    accountId,
    id,
    passwordHash,
  ])
}
