import { z } from 'zod'
import type { Caller } from '#domain/access/caller.ts'
import { ApplicationTokenEnded, ApplicationTokenNotFound, TokenShown } from '#domain/access/errors.ts'
import { tokenEvent } from '#domain/access/events.ts'
import { expandScopes } from '#domain/access/scope.ts'
import { held, parseScopes } from '#domain/access/scope-request.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import type { Clock } from '#lib/clock.ts'
import { InvalidInput } from '#lib/errors.ts'
import { isId, newId } from '#lib/ids.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import { type KeyedRequest, once } from '#platform/database/once.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import { expiryAfter, hashToken, newToken, tokenLifetime, tokenStatus } from './token.ts'
import { endToken, findTokenPolicy, insertToken, lockToken, lockTokenByHash, type TokenRow } from './token-store.ts'

export interface TokenServiceDeps {
  readonly transact: Transact
  readonly clock: Clock
  readonly quotas: Pick<QuotaService, 'mustHaveRoom'>
}

export interface TokenRequest {
  readonly name: string
  readonly scopes: readonly string[]
  readonly expiresInDays?: number | undefined
  /** Under it a token is made once: to ask again is answered with {@link TokenShown}. */
  readonly idempotencyKey?: string | undefined
}

export interface RotationRequest {
  readonly id: string
  /** How long the old token still works, in milliseconds. At once over when 0. */
  readonly overlapMs: number
  readonly expiresInDays?: number | undefined
  /** As for a new one. */
  readonly idempotencyKey?: string | undefined
}

/** A token that was made just now: its text is shown this once. */
export interface IssuedToken {
  readonly id: string
  readonly token: string
}

const longestOverlapMs = 7 * 24 * 60 * 60 * 1000
const longestReason = 500
const nameForm = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(100, 'must have at most 100 characters')
  .refine(isStorable, unstorable)

/** The application tokens of an account. */
export function createTokenService({ transact, clock, quotas }: TokenServiceDeps) {
  /**
   * Makes a token with some of the caller's own rights.
   * @throws {InvalidInput} @throws {ScopeNotHeld} @throws {QuotaExceeded} @throws {KeyReused} @throws {TokenShown}
   */
  async function create(caller: Caller, request: TokenRequest): Promise<IssuedToken> {
    caller.must('access:admin')
    const name = validName(request.name)
    const scopes = held(caller, parseScopes(request.scopes))
    const { expiresInDays, idempotencyKey: key } = request
    const keyed = { key, operation: 'createApplicationToken', request: { name, scopes, expiresInDays } }
    return issuedOnce(caller, keyed, async (tx) => {
      const expiresAt = await expiry(tx, caller.accountId, expiresInDays)
      await quotas.mustHaveRoom(tx, caller.accountId, 'applicationTokens')
      const issued = await issue(tx, { accountId: caller.accountId, name, scopes, expiresAt, by: caller.by() })
      const data = { name, scopes, expiresAt: expiresAt.toISOString() }
      tx.journal(tokenEvent('auth.token_created', { accountId: caller.accountId, id: issued.id }, caller.by(), data))
      return issued
    })
  }

  /**
   * Makes a successor with the same name and scopes, and ends the old token at once or after the overlap; never later
   * than it would have ended by itself. A token may rotate itself; others need `access:admin`.
   * @throws {InvalidInput} @throws {ApplicationTokenNotFound} @throws {ApplicationTokenEnded} @throws {ScopeNotHeld}
   * @throws {KeyReused} @throws {TokenShown}
   */
  async function rotate(caller: Caller, request: RotationRequest): Promise<IssuedToken> {
    const { id, overlapMs } = request
    // A token's text may be the caller's own, which is known once it is found.
    if (isId(id) && !isOwn(caller, id)) caller.must('access:admin')
    if (overlapMs < 0 || overlapMs > longestOverlapMs)
      throw invalid('overlapMs', `must be 0 to ${longestOverlapMs}: at most seven days`)
    const { expiresInDays, idempotencyKey: key } = request
    const keyed = { key, operation: 'rotateApplicationToken', request: { id, overlapMs, expiresInDays } }
    return issuedOnce(caller, keyed, async (tx) => {
      const old = await lock(tx, caller, id).catch((error: unknown) => {
        // Only those who manage tokens are told whether there is one.
        caller.must('access:admin')
        throw error
      })
      if (!isOwn(caller, old.id)) caller.must('access:admin')
      mustBeActive(old)
      const { scopes, lineageId } = old
      held(caller, expandScopes(scopes))
      const expiresAt = await expiry(tx, caller.accountId, expiresInDays)
      const by = caller.by()
      const issued = await issue(tx, { accountId: caller.accountId, name: old.name, scopes, expiresAt, by, lineageId })
      const now = clock.now()
      const until = new Date(Math.min(now.getTime() + overlapMs, old.expiresAt.getTime()))
      const end = overlapMs === 0 ? { revokedAt: now } : { expiresAt: until }
      await endToken(tx, old, { ...end, by: by.actor, reason: 'rotated', successorId: issued.id })
      const data = { name: old.name, successor: issued.id, expiresAt: until.toISOString() }
      tx.journal(tokenEvent('auth.token_rotated', old, by, data))
      return issued
    })
  }

  /** A token is shown once and kept nowhere, so that a repeated request can't be answered with it. */
  async function issuedOnce(
    { accountId, principalId }: Caller,
    keyed: Omit<KeyedRequest, 'accountId' | 'principalId'>,
    work: (tx: Transaction) => Promise<IssuedToken>,
  ): Promise<IssuedToken> {
    return transact(async (tx) => {
      let issued: IssuedToken | undefined
      const { outcome } = await once(tx, { accountId, principalId, ...keyed }, async () => {
        issued = await work(tx)
        return issued.id
      })
      if (issued === undefined) throw new TokenShown(outcome)
      return issued
    })
  }

  /**
   * Ends a token for good, by its id or by its text; once this is committed no process accepts it any more. By id the
   * caller has to hold the token's scopes; the text proves as much by itself.
   * @throws {ApplicationTokenNotFound} @throws {ApplicationTokenEnded} when it was revoked before @throws {ScopeNotHeld}
   */
  async function revoke(caller: Caller, idOrToken: string, reason: string | undefined): Promise<string> {
    caller.must('access:admin')
    if (reason !== undefined && reason.length > longestReason)
      throw invalid('reason', `must have at most ${longestReason} characters`)
    if (!isStorable(reason)) throw invalid('reason', unstorable)
    return transact(async (tx) => {
      const token = await lock(tx, caller, idOrToken)
      if (token.revokedAt !== null) throw new ApplicationTokenEnded(token.id, 'REVOKED')
      if (isId(idOrToken)) held(caller, expandScopes(token.scopes))
      const by = caller.by()
      await endToken(tx, token, { revokedAt: clock.now(), by: by.actor, reason })
      tx.journal(tokenEvent('auth.token_revoked', token, by, { name: token.name, ...(reason && { reason }) }))
      return token.id
    })
  }

  async function expiry(tx: Transaction, accountId: string, days: number | undefined): Promise<Date> {
    const longest = (await findTokenPolicy(tx, accountId)) ?? tokenLifetime.longest
    const wanted = days ?? Math.min(tokenLifetime.usual, longest)
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > longest)
      throw invalid('expiresInDays', `must be 1 to ${longest} days`)
    return expiryAfter(wanted, clock.now())
  }

  function mustBeActive(token: TokenRow): void {
    const status = tokenStatus(token, clock.now())
    if (status !== 'ACTIVE') throw new ApplicationTokenEnded(token.id, status)
  }

  return { create, rotate, revoke }
}

/** Whether the caller shows this very token. */
function isOwn({ credential }: Caller, id: string): boolean {
  return credential.kind === 'token' && credential.id === id.toLowerCase()
}

async function lock(tx: Transaction, { accountId }: Caller, idOrToken: string): Promise<TokenRow> {
  const found = isId(idOrToken)
    ? await lockToken(tx, accountId, idOrToken)
    : await lockTokenByHash(tx, accountId, hashToken(idOrToken))
  // What is no id may be a token that belongs to somebody else: it is not repeated.
  if (found === undefined) throw new ApplicationTokenNotFound(isId(idOrToken) ? idOrToken : 'of this text')
  return found
}

async function issue(
  tx: Transaction,
  request: { accountId: string; name: string; scopes: readonly string[]; expiresAt: Date; by: By; lineageId?: string },
): Promise<IssuedToken> {
  const { accountId, name, scopes, expiresAt, by, lineageId } = request
  const token = newToken()
  const id = newId()
  const hash = hashToken(token)
  const facts = { accountId, id, name, hash, scopes, expiresAt, createdBy: by.actor, lineageId }
  await insertToken(tx, { ...facts, role: 'APPLICATION' })
  return { id, token }
}

function validName(name: string): string {
  const parsed = nameForm.safeParse(name)
  if (!parsed.success) throw invalid('name', parsed.error.issues.map((issue) => issue.message).join('; '))
  return parsed.data
}

function invalid(path: string, message: string): InvalidInput {
  return new InvalidInput(`The application token is not valid. ${path}: ${message}.`, [{ path, message }])
}
