import type { Caller } from '#domain/access/service.ts'

/**
 * The condition that keeps reads to tokens that the caller may see: all of the account with `access:admin`, otherwise their
 * personal ones. @throws {Forbidden} when they may see none
 */
export function visibleTokens(caller: Caller): { ownerId?: string } {
  if (caller.actor.kind !== 'user') caller.must('access:admin')
  return caller.can('access:admin') ? {} : { ownerId: caller.actor.id }
}

/**
 * The condition that keeps reads to teams that the caller may see: people see their own, callers with `access:admin`
 * all of them. @throws {Forbidden} when they may see none
 */
export function visibleTeams(caller: Caller): { members?: { some: { userId: string } } } {
  if (caller.actor.kind !== 'user') caller.must('access:admin')
  return caller.can('access:admin') ? {} : { members: { some: { userId: caller.actor.id } } }
}
