import type { Actor } from '#platform/journal/entry.ts'
import { Forbidden } from './errors.ts'

/** What a token can be allowed to do. */
export const scopes = ['tasks:read', 'tasks:write', 'events:read'] as const
export type Scope = (typeof scopes)[number]

export const roles = ['OWNER', 'MEMBER'] as const
export type Role = (typeof roles)[number]

/** Whoever makes a request: always signed in, always of one account. */
export class Caller {
  readonly accountId: string
  readonly actor: Actor
  readonly role: Role
  readonly scopes: ReadonlySet<Scope>
  /** When the right to call ends; undefined when it doesn't. */
  readonly expiresAt: Date | undefined

  constructor(options: {
    accountId: string
    actor: Actor
    role: Role
    scopes: readonly Scope[]
    expiresAt: Date | undefined
  }) {
    this.accountId = options.accountId
    this.actor = options.actor
    this.role = options.role
    this.scopes = new Set(options.scopes)
    this.expiresAt = options.expiresAt
  }

  can(scope: Scope): boolean {
    return this.scopes.has(scope)
  }

  /** @throws {Forbidden} when the caller lacks the scope. */
  must(scope: Scope): void {
    if (!this.can(scope)) throw new Forbidden(scope)
  }
}
