import { decodeJwt } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Clock } from '#lib/clock.ts'
import { Snapshot } from '#platform/database/snapshot.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Identity } from './caller.ts'
import { Unauthenticated } from './errors.ts'
import type { OidcSignIn } from './sign-in/oidc-sign-in.ts'
import type { Sessions } from './sign-in/sessions.ts'
import { grantsOfToken, hashToken } from './tokens/token.ts'
import { findToken } from './tokens/token-store.ts'

/** How long what was read of a credential is believed, in milliseconds; the journal tells of changes sooner. */
const believedMs = 1_000
const mostKept = 10_000
const longestToken = 4_096
/** A JWT in compact form, which begins with an encoded `{"`; no application token of ours has a dot. */
const jwtForm = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/

/** Who holds a credential, without asking the database for each request. */
export class Credentials {
  readonly #sql: Sql
  readonly #sessions: Sessions
  readonly #oidc: OidcSignIn
  readonly #clock: Clock
  readonly #known = new LRUCache<string, Identity>({ max: mostKept, ttl: believedMs })

  constructor(sql: Sql, sessions: Sessions, oidc: OidcSignIn, clock: Clock) {
    this.#sql = sql
    this.#sessions = sessions
    this.#oidc = oidc
    this.#clock = clock
  }

  /** Who holds this token. @throws {Unauthenticated} when nobody does, or not any more. */
  async identify(token: string | undefined): Promise<Identity> {
    if (token === undefined || token === '') throw new Unauthenticated()
    if (token.length > longestToken) throw new Unauthenticated('unknown')
    const hash = hashToken(token)
    const key = hash.toString('base64')
    const identity = this.#known.get(key) ?? (await this.#load(key, token, hash))
    if (this.#hasEnded(identity)) throw new Unauthenticated('expired')
    return identity
  }

  /** Forgets what is known by a credential, of a person, or in an account, that is no longer what it was. */
  forget(id: string): void {
    for (const [key, { credential, actor, accountId, ownerId }] of this.#known.entries())
      if ([credential.id, actor.id, accountId, ownerId].includes(id)) this.#known.delete(key)
  }

  #hasEnded({ expiresAt }: Identity): boolean {
    return expiresAt !== undefined && expiresAt <= this.#clock.now()
  }

  async #load(key: string, token: string, hash: Uint8Array): Promise<Identity> {
    const identity = jwtForm.test(token) ? await this.#signedIn(token) : await this.#application(hash)
    this.#known.set(key, identity)
    return identity
  }

  #signedIn(token: string): Promise<Identity> {
    return this.#oidc.isProviders(issuerOf(token)) ? this.#oidc.identify(token) : this.#sessions.identify(token)
  }

  async #application(hash: Uint8Array): Promise<Identity> {
    const row = await findToken(this.#sql, hash)
    if (row === undefined) throw new Unauthenticated('unknown')
    if (row.revokedAt !== null) throw new Unauthenticated('revoked')
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

/** Who a token claims to come from; nothing is believed of it yet. */
function issuerOf(token: string): unknown {
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined
  }
}
