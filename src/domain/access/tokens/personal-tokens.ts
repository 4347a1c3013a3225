import type { Caller } from '#domain/access/caller.ts'
import { TooManyPersonalTokens, Unauthenticated } from '#domain/access/errors.ts'
import { tokenEvent } from '#domain/access/events.ts'
import { lockUser, type UserRow } from '#domain/access/people/user-store.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import { invalidToken } from './token-issue.ts'
import { countTokensOf, endTokensOf } from './token-store.ts'

/** How many valid personal tokens one person may have. */
const maxPersonalTokens = 50

/**
 * Whether the caller asks for a personal token: people without `access:admin` always do, others when they say so.
 * @throws {InvalidInput} for a caller that is not a signed-in person @throws {Forbidden}
 */
export function asksForPersonal(caller: Caller, personal: boolean | undefined): boolean {
  const isPerson = caller.actor.kind === 'user'
  if (personal === true && !isPerson)
    throw invalidToken('personal', 'only people who are signed in have personal tokens; this caller is an application')
  if (personal ?? (isPerson && !caller.can('access:admin'))) return true
  caller.must('access:admin')
  return false
}

/** The caller's person, locked until the transaction ends, with room for one more token. @throws {TooManyPersonalTokens} */
export async function lockOwner(tx: Transaction, { accountId, actor }: Caller): Promise<UserRow> {
  const owner = await lockUser(tx, accountId, actor.id)
  if (owner === undefined) throw new Unauthenticated('session-ended')
  if ((await countTokensOf(tx, accountId, owner.id)) >= maxPersonalTokens)
    throw new TooManyPersonalTokens(maxPersonalTokens)
  return owner
}

/** Revokes all personal tokens of a person. */
export async function endPersonalTokens(
  tx: Transaction,
  { id, accountId, email }: Pick<UserRow, 'id' | 'accountId' | 'email'>,
  by: By,
  reason: string,
): Promise<void> {
  for (const { name, ...token } of await endTokensOf(tx, id, { accountId, by: by.actor, reason }))
    tx.journal(tokenEvent('auth.token_revoked', token, by, { name, reason, owner: { id, email } }))
}
