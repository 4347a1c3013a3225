import { randomBytes } from 'node:crypto'
import type { Sql } from '#platform/database/sql.ts'

const prefix = 'sbb_'
const form = new RegExp(`^${prefix}[\\w-]{43}$`)

/** What a browser's cookie holds: 256 random bits. */
export function newBrowserToken(): string {
  return `${prefix}${randomBytes(32).toString('base64url')}`
}

/** Whether a credential is what a browser's cookie holds, by its form. */
export function isBrowserToken(token: string): boolean {
  return form.test(token)
}

/** A browser that is signed in: with the session of a person, or with an application token. */
interface BrowserSessionRow {
  readonly accountId: string
  readonly sessionId: string | null
  readonly userId: string | null
  readonly tokenId: string | null
  readonly expiresAt: Date
}

const findSql = `
  SELECT browser.account_id AS "accountId", session_id AS "sessionId", session.user_id AS "userId", token_id AS "tokenId",
    browser.expires_at AS "expiresAt"
  FROM browser_session AS browser
  LEFT JOIN session ON session.account_id = browser.account_id AND session.id = browser.session_id
  WHERE hash = $1 AND browser.expires_at > now()`

/** The browser's session, unless it has expired; what it was signed in with may have ended. */
export async function findBrowserSession(sql: Sql, hash: Uint8Array): Promise<BrowserSessionRow | undefined> {
  return (await sql.query<BrowserSessionRow>(findSql, [hash]))[0]
}

interface NewBrowserSession {
  readonly accountId: string
  readonly hash: Uint8Array
  /** What it is signed in with. */
  readonly credential: { readonly kind: string; readonly id: string }
  readonly expiresAt: Date
}

const insertSql = `
  INSERT INTO browser_session (hash, account_id, session_id, token_id, expires_at) VALUES ($1, $2, $3, $4, $5)`

export async function insertBrowserSession(sql: Sql, session: NewBrowserSession): Promise<void> {
  const { hash, accountId, credential, expiresAt } = session
  const { kind, id } = credential
  const of = kind === 'session' ? [id, null] : [null, id]
  await sql.query(insertSql, [hash, accountId, ...of, expiresAt])
}

/** Whether there was one to delete. */
export async function deleteBrowserSession(sql: Sql, accountId: string, hash: Uint8Array): Promise<boolean> {
  const text = 'DELETE FROM browser_session WHERE account_id = $1 AND hash = $2 RETURNING hash'
  return (await sql.query(text, [accountId, hash])).length > 0
}

const deleteOldSql = `
  DELETE FROM browser_session WHERE hash IN (SELECT hash FROM browser_session WHERE expires_at < now() LIMIT $1)
  RETURNING hash`

/** Deletes expired ones; returns how many. */
export async function deleteOldBrowserSessions(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(deleteOldSql, [limit])).length
}
