import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import type { Snapshot } from '#platform/database/snapshot.ts'
import type { Actor, By, Origin } from '#platform/journal/entry.ts'
import { Forbidden } from './errors.ts'
import { allows, type Grant, grantText, reach, type Scope } from './scope.ts'

/** Owners and members are people; an application token has the rights that its scopes say. */
export const roles = ['OWNER', 'MEMBER', 'APPLICATION'] as const
export type Role = (typeof roles)[number]

/** Who a caller is and what they may do, as their credential says. */
export interface Identity {
  readonly accountId: string
  readonly actor: Actor
  /**
   * Who acts, whatever credential they show: the id of a person, of the first token of a line of rotations, or of a hook.
   * What belongs to a caller beyond one request belongs to this.
   */
  readonly principalId: string
  readonly role: Role
  readonly grants: readonly Grant[]
  /** The person whose personal token was shown; undefined for other credentials. */
  readonly ownerId?: string
  readonly credential: NonNullable<Origin['credential']>
  /** When the right to call ends; undefined when it doesn't. */
  readonly expiresAt: Date | undefined
  /** Which changes are known here already; undefined: nothing is known for sure. */
  readonly seen?: Snapshot
}

/** How a request came, and in which operation where that is known by now. */
export type RequestOrigin = Pick<Origin, 'requestId' | 'address' | 'userAgent'> & Partial<Pick<Origin, 'operation'>>

/** Called when a caller is refused something: which scopes would have been sufficient, and for what. */
export type OnRefused = (caller: Caller, sufficientScopes: readonly string[], resource: string | undefined) => void

/** The sender of a request: always authenticated, always of one account. */
export class Caller {
  readonly #identity: Identity
  readonly #request: RequestOrigin
  readonly #operation: Origin['operation']
  readonly #onRefused: OnRefused | undefined
  readonly #used = new Set<Scope>()

  constructor(
    identity: Identity,
    request: RequestOrigin,
    more: { operation?: Origin['operation']; onRefused?: OnRefused | undefined } = {},
  ) {
    this.#identity = identity
    this.#request = request
    this.#operation = more.operation
    this.#onRefused = more.onRefused
  }

  get accountId(): string {
    return this.#identity.accountId
  }

  get actor(): Actor {
    return this.#identity.actor
  }

  get principalId(): string {
    return this.#identity.principalId
  }

  get role(): Role {
    return this.#identity.role
  }

  get grants(): readonly Grant[] {
    return this.#identity.grants
  }

  /** Whose personal token was shown; undefined for other credentials. */
  get ownerId(): string | undefined {
    return this.#identity.ownerId
  }

  /** What was shown, and is taken away when the right to call is. */
  get credential(): Identity['credential'] {
    return this.#identity.credential
  }

  /** Whose rate limits apply: the token's, or those of a person across all their sessions and personal tokens. */
  get limitKey(): string {
    if (this.ownerId !== undefined) return this.ownerId
    return this.credential.kind === 'token' ? this.credential.id : this.actor.id
  }

  get expiresAt(): Date | undefined {
    return this.#identity.expiresAt
  }

  /** Whether what a transaction has changed was known already when it was read who the caller is. */
  hasSeen(xid: bigint): boolean {
    return this.#identity.seen?.sees(xid) ?? false
  }

  /** What the caller may do, as scopes of a token. */
  get scopes(): string[] {
    return this.grants.map(grantText)
  }

  /** Whether the caller may do this to the resource; without one: to any. */
  can(scope: Scope, resource?: string): boolean {
    return allows(this.grants, scope, resource)
  }

  /** @throws {Forbidden} when the caller may not do this to the resource; without one: to any. */
  must(scope: Scope, resource?: string): void {
    if (!this.can(scope, resource)) {
      const forbidden = new Forbidden(scope, resource)
      this.lacks(forbidden.sufficientScopes, resource)
      throw forbidden
    }
    this.#used.add(scope)
  }

  /** Notes that the caller is refused something, for those who watch over the account. */
  lacks(sufficientScopes: readonly string[], resource?: string): void {
    this.#onRefused?.(this, sufficientScopes, resource)
  }

  /** As {@link must}; returns where it holds: patterns of which one has to match, or undefined for everywhere. */
  mustSomewhere(scope: Scope): readonly string[] | undefined {
    this.must(scope)
    return reach(this.grants, scope)
  }

  /** Equal for callers of one account with equal rights, whoever they are. */
  get rightsKey(): CompositeKey {
    const grants = this.grants.map(({ scope, pattern }) =>
      pattern === undefined ? compositeKey(scope) : compositeKey(scope, pattern),
    )
    return compositeKey(this.accountId, this.role, ...grants.sort())
  }

  /**
   * The same caller for work whose result others of an equal {@link rightsKey} receive, too: `onPersonal` is called as soon
   * as something else about the caller is read or noted, and the result is then for this caller alone.
   */
  shared(onPersonal: () => void): Caller {
    return new SharedCaller(this.#identity, this.#request, { onPersonal, onRefused: this.#onRefused })
  }

  /** The same caller in one operation of the request. */
  in(operation: NonNullable<Origin['operation']>): Caller {
    return new Caller(this.#identity, this.#request, { operation, onRefused: this.#onRefused })
  }

  /** For the journal: who does it, from where, and by what right. */
  by(): By {
    const { credential, actor } = this
    return {
      actor,
      origin: { ...this.#request, credential, operation: this.#operation, scopes: [...this.#used] },
    }
  }
}

/** @see {@link Caller.shared} */
class SharedCaller extends Caller {
  readonly #onPersonal: () => void

  constructor(
    identity: Identity,
    request: RequestOrigin,
    { onPersonal, ...more }: { onPersonal: () => void; onRefused: OnRefused | undefined },
  ) {
    super(identity, request, more)
    this.#onPersonal = onPersonal
  }

  override get actor(): Actor {
    this.#onPersonal()
    return super.actor
  }

  override get principalId(): string {
    this.#onPersonal()
    return super.principalId
  }

  override get ownerId(): string | undefined {
    this.#onPersonal()
    return super.ownerId
  }

  override get credential(): Identity['credential'] {
    this.#onPersonal()
    return super.credential
  }

  override get expiresAt(): Date | undefined {
    this.#onPersonal()
    return super.expiresAt
  }

  override hasSeen(xid: bigint): boolean {
    this.#onPersonal()
    return super.hasSeen(xid)
  }

  override lacks(sufficientScopes: readonly string[], resource?: string): void {
    this.#onPersonal()
    super.lacks(sufficientScopes, resource)
  }

  override in(operation: NonNullable<Origin['operation']>): Caller {
    this.#onPersonal()
    return super.in(operation)
  }
}

/**
 * The caller of an anonymous request, for the few public fields: without any right, and of an account that doesn't
 * exist.
 */
export function nobody(request: RequestOrigin): Caller {
  return new Caller(nobodysIdentity, request)
}

const nil = '00000000-0000-0000-0000-000000000000'
const nobodysIdentity: Identity = {
  accountId: nil,
  actor: { kind: 'system', id: 'anonymous', name: 'anonymous' },
  principalId: nil,
  role: 'APPLICATION',
  grants: [],
  credential: { kind: 'token', id: nil },
  expiresAt: undefined,
}
