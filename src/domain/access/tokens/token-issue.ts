import type { Caller } from '#domain/access/caller.ts'
import { TokenShown } from '#domain/access/errors.ts'
import { type InvalidInput, invalidInput } from '#lib/errors.ts'
import { newId } from '#lib/ids.ts'
import { type KeyedRequest, runOnce } from '#platform/database/idempotency.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import { expiryAfter, hashToken, newToken, tokenLifetime } from './token.ts'
import { findTokenPolicy, insertToken } from './token-store.ts'

/** A token that was created just now: its text is shown this once. */
export interface IssuedToken {
  readonly id: string
  readonly token: string
}

export interface TokenFacts {
  readonly accountId: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly expiresAt: Date
  readonly by: By
  /** Of a successor: the first token of its line of rotations. */
  readonly lineageId?: string
  /** Of a personal token: whose it is. */
  readonly ownerId?: string | undefined
}

/** Creates a token of an application or a person. */
export async function issueToken(tx: Transaction, { by, ...facts }: TokenFacts): Promise<IssuedToken> {
  const token = newToken()
  const id = newId()
  await insertToken(tx, { ...facts, id, hash: hashToken(token), role: 'APPLICATION', createdBy: by.actor })
  return { id, token }
}

/**
 * Issues a token at most once under a key. Its text is stored nowhere, so a repeated request can't be answered with it.
 * @throws {IdempotencyKeyReused} @throws {TokenShown} when the request was repeated
 */
export async function issuedOnce(
  transact: Transact,
  { accountId, principalId }: Caller,
  keyed: Omit<KeyedRequest, 'accountId' | 'principalId'>,
  work: (tx: Transaction) => Promise<IssuedToken>,
): Promise<IssuedToken> {
  return transact(async (tx) => {
    let issued: IssuedToken | undefined
    const { outcome } = await runOnce(tx, { accountId, principalId, ...keyed }, async () => {
      issued = await work(tx)
      return issued.id
    })
    if (issued === undefined) throw new TokenShown(outcome)
    return issued
  })
}

/** When a token expires that is to last so many days, within the account's policy. @throws {InvalidInput} */
export async function expiryOf(tx: Transaction, accountId: string, days: number | undefined, now: Date): Promise<Date> {
  const max = await maxDays(tx, accountId)
  const wanted = days ?? Math.min(tokenLifetime.usual, max)
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > max)
    throw invalidToken('expiresInDays', `must be 1 to ${max} days`)
  return expiryAfter(wanted, now)
}

/** The most days that a token of the account may last. */
export async function maxDays(tx: Transaction, accountId: string): Promise<number> {
  return (await findTokenPolicy(tx, accountId)) ?? tokenLifetime.max
}

export function invalidToken(path: string, message: string): InvalidInput {
  return invalidInput('The application token', [{ path, message }])
}
