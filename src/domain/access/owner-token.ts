import { newId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import { tokenEvent } from './events.ts'
import { everyScope, installationScopes } from './scope.ts'
import { expiryAfter, hashToken, newToken, tokenLifetime } from './tokens/token.ts'
import { endToken, findTokensByHash, insertToken, lockOwnerTokens } from './tokens/token-store.ts'

const name = 'owner'

interface OwnerTokenRequest {
  readonly accountId: string
  readonly now: Date
  readonly by: By
}

/** Creates the token of an account's first owner, with every scope: the given one, or a new one. @returns its text */
export async function issueOwnerToken(
  tx: Transaction,
  { accountId, now, by }: OwnerTokenRequest,
  given?: string,
): Promise<string> {
  const token = given ?? newToken()
  const owner = { accountId, id: newId() }
  const scopes = [everyScope]
  const expiresAt = expiryAfter(tokenLifetime.max, now)
  const hash = hashToken(token)
  await insertToken(tx, { ...owner, name, hash, role: 'OWNER', scopes, expiresAt, createdBy: by.actor })
  tx.journal(tokenEvent('auth.token_created', owner, by, { name, scopes, expiresAt: expiresAt.toISOString() }))
  return token
}

/** Creates a token that manages the accounts of the installation, and can do nothing else. @returns its text */
export async function issueInstallationToken(
  tx: Transaction,
  { accountId, now, by, days }: OwnerTokenRequest & { readonly days: number },
): Promise<string> {
  const token = newToken()
  const subject = { accountId, id: newId() }
  const facts = { name: 'installation', scopes: installationScopes, expiresAt: expiryAfter(days, now) }
  await insertToken(tx, { ...subject, ...facts, hash: hashToken(token), role: 'APPLICATION', createdBy: by.actor })
  tx.journal(tokenEvent('auth.token_created', subject, by, { ...facts, expiresAt: facts.expiresAt.toISOString() }))
  return token
}

/** The account of a token and whether the token is valid; undefined for any other text. */
export async function lookUpToken(
  sql: Sql,
  text: string,
): Promise<{ readonly accountId: string; readonly isValid: boolean } | undefined> {
  const [token] = await findTokensByHash(sql, [hashToken(text)])
  return token && { accountId: token.accountId, isValid: token.ended === null }
}

/** Ends the owner's tokens of an account, and creates a new one. @returns its text */
export async function resetOwnerToken(tx: Transaction, request: OwnerTokenRequest): Promise<string> {
  const { accountId, now, by } = request
  const reason = 'reset'
  for (const token of await lockOwnerTokens(tx, accountId)) {
    await endToken(tx, token, { revokedAt: now, by: by.actor, reason })
    tx.journal(tokenEvent('auth.token_revoked', token, by, { name: token.name, reason }))
  }
  return issueOwnerToken(tx, request)
}
