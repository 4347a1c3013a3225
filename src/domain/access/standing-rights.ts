import { LRUCache } from 'lru-cache'
import { compositeKey } from '#lib/composite-key.ts'
import { isId } from '#lib/ids.ts'
import { SharedRead } from '#platform/database/shared-read.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Actor, JournalEntry } from '#platform/journal/entry.ts'
import { Caller, type Identity, type Role } from './caller.ts'
import { lossBy } from './events.ts'
import type { PersonRole } from './people/user.ts'
import { type Grant, grantsOf, isWithin, scopesOfRole } from './scope.ts'
import { grantsOfToken, type TokenRights } from './tokens/token.ts'

/** Who asked for something that is done later, again and again, and what they held at that time. */
export interface StandingRequest {
  readonly actor: Actor
  readonly credential: { readonly kind: string; readonly id: string }
  readonly scopes: readonly string[]
}

// A token that was rotated is continued by its successor, which has the same scopes.
const tokenSql = `
  WITH RECURSIVE chain AS (
    SELECT successor_id, coalesce(lineage_id, id) AS lineage_id, scopes, role, owner_id,
      revoked_at IS NULL AND expires_at > now() AS valid, 1 AS hops
    FROM application_token WHERE account_id = $1 AND id = $2
    UNION ALL
    SELECT next.successor_id, chain.lineage_id, next.scopes, next.role, next.owner_id,
      next.revoked_at IS NULL AND next.expires_at > now(), hops + 1
    FROM chain JOIN application_token AS next ON next.account_id = $1 AND next.id = chain.successor_id
    WHERE hops < 1000
  )
  SELECT role, scopes, lineage_id AS "lineageId", owner_id AS "ownerId",
    (SELECT role FROM users WHERE account_id = $1 AND id = owner_id AND removed_at IS NULL) AS "ownerRole"
  FROM chain WHERE valid ORDER BY hops DESC LIMIT 1`
const userSql = 'SELECT role FROM users WHERE account_id = $1 AND id = $2 AND removed_at IS NULL'

/** How long rights that were read are believed, in milliseconds; the journal reports losses sooner. */
const believedMs = 1_000
const maxKnown = 10_000

interface CurrentRights {
  readonly role: Role
  readonly grants: readonly Grant[]
  /** Of a token; people are their own. */
  readonly principalId?: string
}

interface TokenRow extends TokenRights {
  readonly role: Role
  readonly lineageId: string
}

const none: CurrentRights = { role: 'APPLICATION', grants: [] }

interface Known {
  readonly accountId: string
  readonly read: SharedRead<CurrentRights>
}

/**
 * Callers who stand for those who asked, with the rights that these held then and still hold: none when their token has
 * ended or they were removed. Rights are read once for many who ask, not each time.
 */
export class StandIns {
  readonly #purpose: string
  readonly #known = new LRUCache<string, Known>({ max: maxKnown, ttl: believedMs })
  readonly #callers = new WeakMap<StandingRequest, { readonly rights: CurrentRights; readonly caller: Caller }>()

  /** `purpose` stands in the place of the id of a request, such as `webhook`. */
  constructor(purpose: string) {
    this.#purpose = purpose
  }

  /** Reads through `sql` when it has to: a transaction passes itself, so that it never waits for another connection. */
  async of(sql: Sql, accountId: string, request: StandingRequest): Promise<Caller> {
    const rights = await this.#rightsOf(sql, accountId, request)
    const made = this.#callers.get(request)
    if (made?.rights === rights && made.caller.accountId === accountId) return made.caller
    const caller = this.#callerWith(accountId, request, rights)
    this.#callers.set(request, { rights, caller })
    return caller
  }

  /** To be called with each entry of the journal: rights that somebody lost are read again. */
  onJournalEntry(entry: JournalEntry): void {
    if (lossBy(entry) === undefined) return
    for (const [key, { accountId }] of this.#known.entries()) if (accountId === entry.accountId) this.#known.delete(key)
  }

  /** The database may have gone back: nothing that was read before is believed. */
  forgetAll(): void {
    this.#known.clear()
  }

  #rightsOf(sql: Sql, accountId: string, { actor, credential }: StandingRequest): Promise<CurrentRights> {
    const key = compositeKey(accountId, actor.kind, actor.id, credential.id)
    const known = this.#known.get(key)
    if (known?.read.isFor(sql)) return known.read.value
    const read = new SharedRead(sql, () => readRights(sql, accountId, actor, credential.id))
    read.value.catch(() => this.#known.delete(key))
    this.#known.set(key, { accountId, read })
    return read.value
  }

  #callerWith(accountId: string, { actor, credential, scopes }: StandingRequest, rights: CurrentRights): Caller {
    const identity: Identity = {
      accountId,
      actor,
      principalId: rights.principalId ?? actor.id,
      role: rights.role,
      grants: grantsOf(scopes).filter((grant) => isWithin(grant, rights.grants)),
      credential: { kind: credential.kind === 'token' ? 'token' : 'session', id: credential.id },
      expiresAt: undefined,
    }
    return new Caller(identity, { requestId: this.#purpose, address: '', userAgent: undefined })
  }
}

async function readRights(sql: Sql, accountId: string, actor: Actor, credentialId: string): Promise<CurrentRights> {
  if (actor.kind === 'user') {
    if (!isId(actor.id)) return none
    const [user] = await sql.query<{ role: PersonRole }>(userSql, [accountId, actor.id])
    return user === undefined ? none : { role: user.role, grants: grantsOf(scopesOfRole[user.role]) }
  }
  if (!isId(credentialId)) return none
  const [token] = await sql.query<TokenRow>(tokenSql, [accountId, credentialId])
  if (token === undefined) return none
  return { role: token.role, grants: grantsOfToken(token), principalId: token.lineageId }
}
