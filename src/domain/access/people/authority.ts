import type { Caller } from '#domain/access/caller.ts'
import { scopesOfRole } from '#domain/access/scope.ts'
import { held, missingOf } from '#domain/access/scope-request.ts'
import { normalEmail, type PersonRole } from './user.ts'
import type { UserRow } from './user-store.ts'

/** Whether `who`, an id or e-mail address, is the caller. Needs no look-up, so that nobody learns who exists. */
export function isOneself({ actor }: Caller, who: string): boolean {
  return actor.kind === 'user' && [actor.id, actor.name].includes(normalEmail(who) ?? who.toLowerCase())
}

/** People may see themselves; others need `access:admin`. @throws {Forbidden} */
export function mustSee(caller: Caller, who: string): void {
  if (!isOneself(caller, who)) caller.must('access:admin')
}

/**
 * The caller may change a person, their password and their sessions: it is that person or has `access:admin`, and holds
 * every scope that the person's role has. Nobody gains rights through somebody else, and a session that is narrowed
 * changes nothing of its own person. @throws {Forbidden} @throws {ScopeNotHeld}
 */
export function mustManage(caller: Caller, user: Pick<UserRow, 'id' | 'role'>): void {
  if (!isOneself(caller, user.id)) caller.must('access:admin')
  mustHoldRole(caller, user.role)
}

/** The caller holds every scope that this role has. @throws {ScopeNotHeld} */
export function mustHoldRole(caller: Caller, role: PersonRole): void {
  held(caller, scopesOfRole[role])
}

/** Refuses a person whose session holds less than their role. @throws {ScopeNotHeld} */
export function mustNotBeNarrowed(caller: Caller): void {
  if (caller.role !== 'APPLICATION') mustHoldRole(caller, caller.role)
}

/** Whether the caller is a person whose session holds less than their role. */
export function isNarrowed({ role, grants }: Caller): boolean {
  return role !== 'APPLICATION' && missingOf(scopesOfRole[role], grants).length > 0
}
