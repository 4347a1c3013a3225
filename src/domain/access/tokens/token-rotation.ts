import type { Caller } from '#domain/access/caller.ts'
import { ApplicationTokenEnded } from '#domain/access/errors.ts'
import { tokenEvent } from '#domain/access/events.ts'
import { expandScopes } from '#domain/access/scope.ts'
import { held } from '#domain/access/scope-request.ts'
import type { Clock } from '#lib/clock.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import { expiryAfter, scopesNow } from './token.ts'
import { isOwnToken, isPersonalOf, lockManaged, mustBeActive } from './token-authority.ts'
import { expiryOf, type IssuedToken, invalidToken, issuedOnce, issueToken, maxDays } from './token-issue.ts'
import { endLineage, endToken, type TokenRow } from './token-store.ts'

export interface RotationRequest {
  readonly id: string
  /** How long the old token stays valid, in milliseconds; 0: it ends at once. */
  readonly overlapMs: number
  readonly expiresInDays?: number | undefined
  /** The same key again is answered with {@link TokenShown}. */
  readonly idempotencyKey?: string | undefined
}

const maxOverlapMs = 7 * 24 * 60 * 60 * 1000
const reused = 'rotated token used again'

/** Replaces application tokens by successors. */
export function createTokenRotation({ transact, clock }: { readonly transact: Transact; readonly clock: Clock }) {
  /**
   * Creates a successor with the same name and scopes, and ends the old token at once or after the overlap, never later
   * than it would have expired. A token may rotate itself, and a person their personal tokens; others need
   * `access:admin`. A token that rotates itself without that scope keeps its end, so that a stolen one is not renewed
   * for ever; and one that does so again after it was rotated ends its whole line, because somebody has a copy.
   * @throws {InvalidInput} @throws {ApplicationTokenNotFound} @throws {ApplicationTokenEnded} @throws {ScopeNotHeld}
   * @throws {IdempotencyKeyReused} @throws {TokenShown}
   */
  async function rotate(caller: Caller, request: RotationRequest): Promise<IssuedToken> {
    const { id, overlapMs, expiresInDays, idempotencyKey: key } = request
    if (overlapMs < 0 || overlapMs > maxOverlapMs)
      throw invalidToken('overlapMs', `must be 0 to ${maxOverlapMs}: at most seven days`)
    const keyed = { key, operation: 'rotateApplicationToken', request: { id, overlapMs, expiresInDays } }
    try {
      return await issuedOnce(transact, caller, keyed, async (tx) => {
        const isTheirs = (token: TokenRow) => isOwnToken(caller, token.id) || isPersonalOf(caller, token)
        const old = await lockManaged(tx, caller, id, isTheirs)
        if (old.ownerId !== null && !isTheirs(old))
          throw invalidToken('id', 'is a personal token, which only its person and the token itself rotate; revoke it')
        if (old.successorId !== null && isOwnToken(caller, old.id)) throw new Reused(old)
        mustBeActive(old, clock.now())
        if (old.successorId !== null) throw new ApplicationTokenEnded(old.id, 'ROTATED')
        return replace(tx, caller, old, request)
      })
    } catch (error) {
      if (!(error instanceof Reused)) throw error
      await endLine(caller, error.token)
      throw new ApplicationTokenEnded(error.token.id, 'REVOKED')
    }
  }

  async function replace(tx: Transaction, caller: Caller, old: TokenRow, request: RotationRequest) {
    const { accountId, id, name, lineageId, ownerId } = old
    const scopes = scopesNow(old)
    held(caller, expandScopes(scopes))
    const expiresAt = await successorExpiry(tx, caller, old, request.expiresInDays)
    const by = caller.by()
    const facts = { accountId, name, scopes, expiresAt, by, lineageId, ownerId: ownerId ?? undefined }
    const issued = await issueToken(tx, facts)
    const now = clock.now()
    const until = new Date(Math.min(now.getTime() + request.overlapMs, old.expiresAt.getTime()))
    const end = request.overlapMs === 0 ? { revokedAt: now } : { expiresAt: until }
    await endToken(tx, { accountId, id }, { ...end, by: by.actor, reason: 'rotated', successorId: issued.id })
    const data = { name, successor: issued.id, expiresAt: until.toISOString(), ...ownerData(old) }
    tx.journal(tokenEvent('auth.token_rotated', old, by, data))
    return issued
  }

  async function successorExpiry(tx: Transaction, caller: Caller, old: TokenRow, days: number | undefined) {
    const now = clock.now()
    if (!isOwnToken(caller, old.id) || caller.can('access:admin')) return expiryOf(tx, caller.accountId, days, now)
    if (days === undefined) {
      const latest = expiryAfter(await maxDays(tx, caller.accountId), now)
      return new Date(Math.min(old.expiresAt.getTime(), latest.getTime()))
    }
    const wanted = await expiryOf(tx, caller.accountId, days, now)
    if (wanted <= old.expiresAt) return wanted
    const end = old.expiresAt.toISOString()
    throw invalidToken(
      'expiresInDays',
      `must not end after ${end}: a token without access:admin that rotates itself keeps its end; leave it out`,
    )
  }

  /** In a transaction of its own, because the failed rotation has undone its. */
  async function endLine(caller: Caller, { accountId, id, name, lineageId, ...token }: TokenRow): Promise<void> {
    const by = caller.by()
    await transact(async (tx) => {
      tx.journal(tokenEvent('auth.token_reused', { accountId, id }, by, { name, reason: reused, ...ownerData(token) }))
      for (const ended of await endLineage(tx, lineageId, { accountId, by: by.actor, reason: reused }))
        tx.journal(tokenEvent('auth.token_revoked', ended, by, { name: ended.name, reason: reused }))
    })
  }

  return rotate
}

/** A token that was rotated before rotates itself again. */
class Reused extends Error {
  readonly token: TokenRow
  constructor(token: TokenRow) {
    super(reused)
    this.token = token
  }
}

/** For the journal: whose personal token it is. */
export function ownerData({ ownerId, ownerEmail }: Pick<TokenRow, 'ownerId' | 'ownerEmail'>) {
  return ownerId !== null && ownerEmail !== null ? { owner: { id: ownerId, email: ownerEmail } } : {}
}
