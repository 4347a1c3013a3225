import { randomBytes } from 'node:crypto'
import type { Identity, RequestOrigin } from '#domain/access/caller.ts'
import { ScopeNotHeld, Unauthenticated } from '#domain/access/errors.ts'
import { sessionEvent } from '#domain/access/events.ts'
import type { PersonRole } from '#domain/access/people/user.ts'
import { type Grant, grantsOf, grantsWithinRole, scopesOfRole } from '#domain/access/scope.ts'
import { missingOf, parseScopes } from '#domain/access/scope-request.ts'
import { hashToken } from '#domain/access/tokens/token.ts'
import type { Clock } from '#lib/clock.ts'
import { isId, newId } from '#lib/ids.ts'
import { Snapshot } from '#platform/database/snapshot.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import { RefreshRefused } from './errors.ts'
import { notePlace } from './place-store.ts'
import {
  endSession,
  findSession,
  insertRefreshToken,
  insertSession,
  lockByRefresh,
  narrowSession,
  prolongSession,
  type SessionRow,
} from './session-store.ts'
import type { SigningKeys } from './signing-keys.ts'

const dayMs = 24 * 60 * 60 * 1000
/** A session that nobody refreshes ends after this. */
const idleMs = 30 * dayMs
const refreshPrefix = 'sbr_'
const maxRefreshTokenLength = 256

/** What a person gets who has signed in. */
export interface SignedIn {
  readonly person: KnownPerson
  readonly accessToken: string
  readonly accessTokenExpiresAt: Date
  readonly refreshToken: string
}

/** A session that was begun, and has no access token yet. */
export interface OpenSession {
  readonly person: KnownPerson
  readonly id: string
  readonly refreshToken: string
}

/** A person who has proved who they are. */
export interface KnownPerson {
  readonly accountId: string
  readonly id: string
  readonly email: string
  readonly role: PersonRole
}

export interface SessionsDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly keys: SigningKeys
  readonly clock: Clock
}

/** What people are signed in with: an access token of an hour, and refresh tokens that each work once. */
export function createSessions({ sql, transact, keys, clock }: SessionsDeps) {
  /** Who an access token belongs to, with the rights that they have now. @throws {Unauthenticated} */
  async function identify(token: string): Promise<Identity> {
    const { userId, sessionId, expiresAt } = await keys.verify(token)
    if (!isId(sessionId) || !isId(userId)) throw new Unauthenticated('session-ended')
    return identifySession(sql, { sessionId, userId }, expiresAt)
  }

  /**
   * Signs a person in, with all rights of their role or, where scopes are given, with those alone.
   * @throws {InvalidInput} @throws {ScopeNotHeld}
   */
  async function begin(
    person: KnownPerson,
    request: RequestOrigin,
    method: string,
    scopes?: readonly string[],
  ): Promise<SignedIn> {
    return signedIn(await transact((tx) => open(tx, person, request, method, scopes)))
  }

  /** As {@link begin}, as a part of something larger; {@link signedIn} makes the tokens of it once that is committed. */
  async function open(
    tx: Transaction,
    person: KnownPerson,
    request: RequestOrigin,
    method: string,
    wanted?: readonly string[],
  ): Promise<OpenSession> {
    const id = newId()
    const scopes = wanted === undefined ? [] : narrowed(wanted, grantsOf(scopesOfRole[person.role]))
    const { address, userAgent } = request
    const session = { accountId: person.accountId, id, userId: person.id, scopes, expiresAt: untilIdle() }
    await insertSession(tx, { ...session, address, userAgent, method })
    await notePlace(tx, person, address)
    const data = { email: person.email, method, ...(scopes.length > 0 && { scopes }) }
    tx.journal(sessionEvent('auth.signed_in', session, byPerson(person, id, request), data))
    return { person, id, ...(await nextRefreshToken(tx, session)) }
  }

  /**
   * Exchanges a refresh token for a new pair, with the rights that the session has or, where scopes are given, with fewer
   * from now on. A token that was exchanged before has been copied: its whole session ends.
   * @throws {RefreshRefused} @throws {InvalidInput} @throws {ScopeNotHeld} leaving the token valid
   */
  async function refresh(token: string, request: RequestOrigin, scopes?: readonly string[]): Promise<SignedIn> {
    if (token.length > maxRefreshTokenLength || !token.startsWith(refreshPrefix)) throw new RefreshRefused()
    const outcome = await transact(async (tx) => {
      const session = await lockByRefresh(tx, hashToken(token))
      if (session === undefined) return undefined
      if (session.wasUsed) return endFamily(tx, session, request)
      if (!session.goesOn) return undefined
      if (scopes !== undefined) await narrow(tx, session, narrowed(scopes, identityOf(session).grants), request)
      await prolongSession(tx, session, untilIdle(), request)
      await notePlace(tx, { ...session, id: session.userId }, request.address)
      const { id, userId, email } = session
      const by = byPerson({ id: userId, email }, id, request)
      tx.journal(sessionEvent('auth.session_refreshed', session, by, { email }))
      return { session, ...(await nextRefreshToken(tx, session)) }
    })
    if (outcome === undefined) throw new RefreshRefused()
    const { accountId, id, userId, email, role } = outcome.session
    return signedIn({ person: { accountId, id: userId, email, role }, id, refreshToken: outcome.refreshToken })
  }

  async function narrow(tx: Transaction, session: SessionRow, scopes: readonly string[], request: RequestOrigin) {
    if (scopes.length === session.scopes.length && scopes.every((scope) => session.scopes.includes(scope))) return
    const { accountId, id, userId, email } = session
    await narrowSession(tx, accountId, id, scopes)
    const by = byPerson({ ...session, id: userId }, id, request)
    tx.journal(sessionEvent('auth.session_narrowed', session, by, { email, scopes }))
  }

  async function endFamily(tx: Transaction, session: SessionRow, request: RequestOrigin): Promise<undefined> {
    const { accountId, id, userId, email } = session
    const ended = await endSession(tx, accountId, id, 'refresh token used twice')
    if (ended === undefined) return
    const by = byPerson({ ...session, id: userId }, id, request)
    tx.journal(sessionEvent('auth.refresh_token_reused', session, by, { email }))
    tx.journal(sessionEvent('auth.session_ended', session, by, { email, reason: 'refresh token used twice' }))
  }

  /** The tokens of a session that is committed. */
  async function signedIn({ person, id, refreshToken }: OpenSession): Promise<SignedIn> {
    const { token, expiresAt } = await keys.sign({ userId: person.id, sessionId: id })
    return { person, accessToken: token, accessTokenExpiresAt: expiresAt, refreshToken }
  }

  function untilIdle(): Date {
    return new Date(clock.now().getTime() + idleMs)
  }

  return { identify, begin, open, signedIn, refresh }
}

/** The person whose session it is, until the session or the given credential expires. @throws {Unauthenticated} */
export async function identifySession(
  sql: Sql,
  { sessionId, userId }: { readonly sessionId: string; readonly userId: string },
  expiresAt: Date,
): Promise<Identity> {
  const session = await findSession(sql, sessionId, userId)
  if (session === undefined) throw new Unauthenticated('session-ended')
  if (session.isSuspended) throw new Unauthenticated('account-suspended')
  return {
    ...identityOf(session),
    expiresAt: new Date(Math.min(expiresAt.getTime(), session.expiresAt.getTime())),
    seen: new Snapshot(session),
  }
}

export type Sessions = ReturnType<typeof createSessions>

async function nextRefreshToken(tx: Transaction, session: { accountId: string; id: string }) {
  const refreshToken = `${refreshPrefix}${randomBytes(32).toString('base64url')}`
  await insertRefreshToken(tx, session, hashToken(refreshToken))
  return { refreshToken }
}

/** The scopes, if the grants hold them all. @throws {InvalidInput} @throws {ScopeNotHeld} */
function narrowed(texts: readonly string[], grants: readonly Grant[]): readonly string[] {
  const scopes = parseScopes(texts)
  const missing = missingOf(scopes, grants)
  if (missing.length > 0) throw new ScopeNotHeld(missing)
  return scopes
}

function identityOf({ accountId, id, userId, email, role, scopes, expiresAt }: SessionRow): Identity {
  return {
    accountId,
    actor: { kind: 'user', id: userId, name: email },
    principalId: userId,
    role,
    grants: scopes.length === 0 ? grantsOf(scopesOfRole[role]) : grantsWithinRole(scopes, role),
    credential: { kind: 'session', id },
    expiresAt,
  }
}

/** A person who is about to be let in, or was just sent off: nobody's caller yet. */
export function byPerson(
  { id, email }: Pick<KnownPerson, 'id' | 'email'>,
  sessionId: string,
  request: RequestOrigin,
): By {
  const credential = { kind: 'session', id: sessionId } as const
  return {
    actor: { kind: 'user', id, name: email },
    origin: { operation: undefined, ...request, credential, scopes: [] },
  }
}
