import { decodeJwt } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Clock } from '#lib/clock.ts'
import { Snapshot } from '#platform/database/snapshot.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Identity } from './caller.ts'
import { Unauthenticated } from './errors.ts'
import { findBrowserSession, isBrowserToken } from './sign-in/browser-session-store.ts'
import type { OidcSignIn } from './sign-in/oidc-sign-in.ts'
import { identifySession, type Sessions } from './sign-in/sessions.ts'
import { grantsOfToken, hashToken } from './tokens/token.ts'
import { type FoundToken, findToken, findTokenById } from './tokens/token-store.ts'

/** How long an identity is cached, in milliseconds; the journal reports changes sooner. */
const believedMs = 1_000
const maxKept = 10_000
const maxTokenLength = 4_096
/** A JWT in compact form, which begins with an encoded `{"`; no application token of ours has a dot. */
const jwtForm = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/

/** Finds who holds a credential, without a database query for each request. */
export class Credentials {
  readonly #sql: Sql
  readonly #sessions: Sessions
  readonly #oidc: OidcSignIn
  readonly #clock: Clock
  readonly #known = new LRUCache<string, Identity>({ max: maxKept, ttl: believedMs })

  constructor(sql: Sql, sessions: Sessions, oidc: OidcSignIn, clock: Clock) {
    this.#sql = sql
    this.#sessions = sessions
    this.#oidc = oidc
    this.#clock = clock
  }

  /** The identity of a token. @throws {Unauthenticated} when it is unknown, or not valid any more */
  async identify(token: string | undefined): Promise<Identity> {
    if (token === undefined || token === '') throw new Unauthenticated()
    if (token.length > maxTokenLength) throw new Unauthenticated('unknown')
    const hash = hashToken(token)
    const key = hash.toString('base64')
    const identity = this.#known.get(key) ?? (await this.#load(key, token, hash))
    if (this.#hasEnded(identity)) throw new Unauthenticated('expired')
    return identity
  }

  /** Drops what is cached of a credential, a person or an account that has changed. */
  forget(id: string): void {
    for (const [key, { credential, actor, accountId, ownerId }] of this.#known.entries())
      if ([credential.id, actor.id, accountId, ownerId].includes(id)) this.#known.delete(key)
  }

  #hasEnded({ expiresAt }: Identity): boolean {
    return expiresAt !== undefined && expiresAt <= this.#clock.now()
  }

  async #load(key: string, token: string, hash: Uint8Array): Promise<Identity> {
    const identity = await this.#find(token, hash)
    this.#known.set(key, identity)
    return identity
  }

  async #find(token: string, hash: Uint8Array): Promise<Identity> {
    if (jwtForm.test(token)) return this.#signedIn(token)
    if (isBrowserToken(token)) return this.#browser(hash)
    return this.#application(await findToken(this.#sql, hash))
  }

  /** A browser acts as what it was signed in with, with the rights that this has now. */
  async #browser(hash: Uint8Array): Promise<Identity> {
    const found = await findBrowserSession(this.#sql, hash)
    if (found === undefined) throw new Unauthenticated('session-ended')
    const { accountId, sessionId, userId, tokenId, expiresAt } = found
    if (sessionId !== null && userId !== null) return identifySession(this.#sql, { sessionId, userId }, expiresAt)
    const identity = this.#application(await findTokenById(this.#sql, accountId, tokenId ?? ''))
    return { ...identity, expiresAt: earlier(expiresAt, identity.expiresAt) }
  }

  #signedIn(token: string): Promise<Identity> {
    return this.#oidc.isProviders(issuerOf(token)) ? this.#oidc.identify(token) : this.#sessions.identify(token)
  }

  #application(row: FoundToken | undefined): Identity {
    if (row === undefined) throw new Unauthenticated('unknown')
    if (row.revokedAt !== null) throw new Unauthenticated(row.successorId === null ? 'revoked' : 'rotated')
    if (row.isSuspended) throw new Unauthenticated('account-suspended')
    // The tokens of a person who was removed are revoked with them; this holds for what was created at the same moment.
    if (row.ownerId !== null && row.ownerRole === null) throw new Unauthenticated('revoked')
    const { accountId, id, name, lineageId, role, ownerId, expiresAt } = row
    return {
      accountId,
      actor: { kind: 'application', id, name },
      principalId: lineageId,
      role,
      grants: grantsOfToken(row),
      ...(ownerId !== null && { ownerId }),
      credential: { kind: 'token', id },
      expiresAt,
      seen: new Snapshot(row),
    }
  }
}

function earlier(one: Date, other: Date | undefined): Date {
  return other !== undefined && other < one ? other : one
}

/** The issuer that an unverified token names. */
function issuerOf(token: string): unknown {
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined
  }
}
