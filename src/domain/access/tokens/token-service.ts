import { z } from 'zod'
import type { Caller } from '#domain/access/caller.ts'
import { ApplicationTokenEnded } from '#domain/access/errors.ts'
import { tokenEvent } from '#domain/access/events.ts'
import { expandScopes } from '#domain/access/scope.ts'
import { held, parseScopes } from '#domain/access/scope-request.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import type { Clock } from '#lib/clock.ts'
import { isId } from '#lib/ids.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import type { Transact } from '#platform/database/transaction.ts'
import { asksForPersonal, lockOwner } from './personal-tokens.ts'
import { scopesNow } from './token.ts'
import { isPersonalOf, lockManaged } from './token-authority.ts'
import { expiryOf, type IssuedToken, invalidToken, issuedOnce, issueToken } from './token-issue.ts'
import { createTokenRotation, ownerData } from './token-rotation.ts'
import { endToken } from './token-store.ts'

export interface TokenServiceDeps {
  readonly transact: Transact
  readonly clock: Clock
  readonly quotas: Pick<QuotaService, 'mustHaveRoom'>
}

export interface TokenRequest {
  readonly name: string
  readonly scopes: readonly string[]
  readonly expiresInDays?: number | undefined
  /** Whether it belongs to the caller's person; default: only for people without `access:admin`. */
  readonly personal?: boolean | undefined
  /** The same key again is answered with {@link TokenShown}. */
  readonly idempotencyKey?: string | undefined
}

const maxReason = 500
const nameForm = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(100, 'must have at most 100 characters')
  .refine(isStorable, unstorable)

/** The application tokens of an account, and the personal ones of its people. */
export function createTokenService({ transact, clock, quotas }: TokenServiceDeps) {
  /**
   * Creates a token with some of the caller's own rights. A personal one never allows more than its person's current
   * role, and ends when the person is removed.
   * @throws {InvalidInput} @throws {ScopeNotHeld} @throws {QuotaExceeded} @throws {TooManyPersonalTokens}
   * @throws {IdempotencyKeyReused} @throws {TokenShown}
   */
  async function create(caller: Caller, request: TokenRequest): Promise<IssuedToken> {
    const personal = asksForPersonal(caller, request.personal)
    const { accountId } = caller
    const name = validName(request.name)
    const scopes = held(caller, parseScopes(request.scopes))
    const { expiresInDays, idempotencyKey: key } = request
    const asked = { name, scopes, expiresInDays, ...(personal && { personal }) }
    const keyed = { key, operation: 'createApplicationToken', request: asked }
    return issuedOnce(transact, caller, keyed, async (tx) => {
      const expiresAt = await expiryOf(tx, accountId, expiresInDays, clock.now())
      await quotas.mustHaveRoom(tx, accountId, 'applicationTokens')
      const owner = personal ? await lockOwner(tx, caller) : undefined
      const issued = await issueToken(tx, { accountId, name, scopes, expiresAt, by: caller.by(), ownerId: owner?.id })
      const whose = owner && { owner: { id: owner.id, email: owner.email } }
      const data = { name, scopes, expiresAt: expiresAt.toISOString(), ...whose }
      tx.journal(tokenEvent('auth.token_created', { accountId, id: issued.id }, caller.by(), data))
      return issued
    })
  }

  /**
   * Ends a token for good, by its id or by its text; once this is committed no process accepts it. People may revoke
   * their personal tokens; other tokens need `access:admin`. By id the caller has to hold the scopes of the token; the
   * text itself proves as much.
   * @throws {ApplicationTokenNotFound} @throws {ApplicationTokenEnded} when it was revoked before @throws {ScopeNotHeld}
   */
  async function revoke(caller: Caller, idOrToken: string, reason: string | undefined): Promise<string> {
    if (reason !== undefined && reason.length > maxReason)
      throw invalidToken('reason', `must have at most ${maxReason} characters`)
    if (!isStorable(reason)) throw invalidToken('reason', unstorable)
    return transact(async (tx) => {
      const token = await lockManaged(tx, caller, idOrToken, (one) => isPersonalOf(caller, one))
      if (token.revokedAt !== null) throw new ApplicationTokenEnded(token.id, 'REVOKED')
      if (isId(idOrToken)) held(caller, expandScopes(scopesNow(token)))
      const by = caller.by()
      const { accountId, id, name } = token
      await endToken(tx, { accountId, id }, { revokedAt: clock.now(), by: by.actor, reason })
      const data = { name, ...(reason && { reason }), ...ownerData(token) }
      tx.journal(tokenEvent('auth.token_revoked', token, by, data))
      return id
    })
  }

  return { create, rotate: createTokenRotation({ transact, clock }), revoke }
}

function validName(name: string): string {
  const parsed = nameForm.safeParse(name)
  if (!parsed.success) throw invalidToken('name', parsed.error.issues.map((issue) => issue.message).join('; '))
  return parsed.data
}
