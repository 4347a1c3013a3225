import type { Caller } from '#domain/access/caller.ts'
import { ApplicationTokenEnded, ApplicationTokenNotFound } from '#domain/access/errors.ts'
import { isId } from '#lib/ids.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import { hashToken, tokenStatus } from './token.ts'
import { lockToken, lockTokenByHash, type TokenRow } from './token-store.ts'

/** Whether the caller shows this very token. */
export function isOwnToken({ credential }: Caller, id: string): boolean {
  return credential.kind === 'token' && credential.id === id.toLowerCase()
}

/** Whether it is a personal token of the caller, who is signed in. */
export function isPersonalOf({ actor }: Caller, { ownerId }: TokenRow): boolean {
  return actor.kind === 'user' && ownerId === actor.id
}

/**
 * A token of the caller's account, by its id or its text, that the caller may manage: with `access:admin`, or because
 * `isTheirs`. Others don't learn whether it exists. @throws {Forbidden} @throws {ApplicationTokenNotFound}
 */
export async function lockManaged(
  tx: Transaction,
  caller: Caller,
  idOrToken: string,
  isTheirs: (token: TokenRow) => boolean,
): Promise<TokenRow> {
  const found = isId(idOrToken)
    ? await lockToken(tx, caller.accountId, idOrToken)
    : await lockTokenByHash(tx, caller.accountId, hashToken(idOrToken))
  if (found === undefined || !isTheirs(found)) caller.must('access:admin')
  // A text that is not an id may be somebody else's token, so the message does not repeat it.
  if (found === undefined) throw new ApplicationTokenNotFound(isId(idOrToken) ? idOrToken : 'of this text')
  return found
}

/** @throws {ApplicationTokenEnded} */
export function mustBeActive(token: TokenRow, now: Date): void {
  const status = tokenStatus(token, now)
  if (status !== 'ACTIVE') throw new ApplicationTokenEnded(token.id, status)
}
